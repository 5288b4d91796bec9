//! Placing PDUs of other servers.
//!
//! Owns [`ForeignBatch`]: storing and placing what another server sent, one after the other, as
//! one batch; checks 4 to 6 of the spec ("Checks performed on receipt of a PDU"), new extremities,
//! the new current state. Outcomes are facts and are never computed again. A PDU that is missing
//! stops the placement with a fault and decides nothing. Invariants: I2, I7, I8, I14.

mod fault;
mod how;
mod needed;
mod state_before;
mod verdict;

use std::{collections::HashMap, sync::Arc};

use facts::fact::{
    PduPlaced, Placement, PlacementKind, RejectReason, SoftFailReason, StateBefore, TimelinePlace,
    Verdict,
};
use ruma::{EventId, OwnedEventId, room_version_rules::RoomVersionRules};

use self::state_before::Before;
pub use self::{
    fault::PlaceFault,
    how::{GivenState, PlaceAs},
    needed::needed_for_placing,
};
use super::{
    batch::{RoomBatch, RoomFact, stored_fact},
    fold::{RoomFold, Tip},
    provisional::{entry_ref, provisional},
    receive::ReceivedPdu,
    redaction,
    state::{RoomState, StateEntry, changes_between, state_key},
};
use crate::{
    pdu::{KnownPdu, PduLookup, Standing},
    resolution::resolve_states,
};

/// PDUs of one room that are stored and placed as one batch.
pub struct ForeignBatch<'a> {
    batch: RoomBatch<'a>,
    states_after: HashMap<OwnedEventId, RoomState>,
}

impl<'a> ForeignBatch<'a> {
    /// Begins a batch on `fold`. `rules` are those of the room's version, which a new fold does
    /// not know yet; `first_index` counts the drafts before the first fact.
    pub fn new(
        fold: &RoomFold,
        rules: RoomVersionRules,
        lookup: &'a dyn PduLookup,
        first_index: u32,
    ) -> Self {
        Self {
            batch: RoomBatch::new(fold, rules, lookup, first_index),
            states_after: HashMap::new(),
        }
    }

    /// Tells the state after an event that the fold has forgotten.
    pub fn tell_state_after(&mut self, event_id: OwnedEventId, state: RoomState) {
        self.states_after.insert(event_id, state);
    }

    /// The fold as it will be after this batch, at provisional positions.
    pub fn fold(&self) -> &RoomFold {
        &self.batch.fold
    }

    /// Stores a PDU without placing it.
    pub fn store(&mut self, received: ReceivedPdu) -> Result<(), PlaceFault> {
        if self.batch.by_id(received.pdu.event_id()).is_some() {
            return Ok(());
        }
        let fact = stored_fact(&received.pdu, &self.batch.rules, None, None)
            .ok_or(PlaceFault::Unstorable)?;
        let position = self.batch.push(fact);
        self.batch.learn(KnownPdu {
            position,
            pdu: Arc::new(received.pdu),
            standing: Standing::Stored,
        });
        Ok(())
    }

    /// Stores a PDU and places it by the same entry; one that is stored already is only placed.
    pub fn store_and_place(
        &mut self,
        received: ReceivedPdu,
        how: PlaceAs,
    ) -> Result<Verdict, PlaceFault> {
        if self.batch.by_id(received.pdu.event_id()).is_some() {
            let event_id = received.pdu.owned_event_id();
            return self.place(&event_id, how);
        }
        let event = KnownPdu {
            position: provisional(self.batch.next_index()),
            pdu: Arc::new(received.pdu),
            standing: Standing::Stored,
        };
        let placement = self.placement(&event, how)?;
        let verdict = placement.verdict;
        let placed =
            self.batch.push_pdu(event.pdu, placement, None).map_err(|_| PlaceFault::Unstorable)?;
        redaction::apply_placed(&mut self.batch, &placed);
        Ok(verdict)
    }

    /// Places a PDU that is stored, or places it anew.
    pub fn place(&mut self, event_id: &EventId, how: PlaceAs) -> Result<Verdict, PlaceFault> {
        let mut event =
            self.batch.by_id(event_id).ok_or_else(|| PlaceFault::Unknown(event_id.to_owned()))?;
        if let (true, Standing::Placed { verdict, .. }) = (event.is_in_graph(), event.standing) {
            return Ok(verdict);
        }
        let placement = self.placement(&event, how)?;
        let verdict = placement.verdict;
        event.standing = Standing::from(Some(&placement));
        let fact = PduPlaced { pdu: entry_ref(event.position), placement };
        self.batch.push(RoomFact { fact: fact.into(), actor: None, person: None });
        self.batch.learn(event.clone());
        redaction::apply_placed(&mut self.batch, &event);
        Ok(verdict)
    }

    /// The facts in order.
    pub fn finish(self) -> Vec<RoomFact> {
        self.batch.facts
    }

    fn placement(&self, event: &KnownPdu, how: PlaceAs) -> Result<Placement, PlaceFault> {
        let kind = how.kind();
        let missing = redaction::missing_for(&self.batch, event.pdu.event_id());
        if kind != PlacementKind::Outlier && !missing.is_empty() {
            return Err(PlaceFault::MissingInputs(missing));
        }
        if let Some(reason) = verdict::by_auth_events(&self.batch, event)? {
            return self.rejected(event, kind, reason);
        }
        match how {
            PlaceAs::Outlier { staged } => self.outlier(event, staged),
            PlaceAs::Historic { state_before, place } => {
                let before = self.before(event, state_before)?;
                if verdict::by_state(&self.batch, event, &before.state)?.is_some() {
                    return Ok(self.rejected_at(kind, RejectReason::StateBefore, before));
                }
                Ok(Placement {
                    timeline: Some(place),
                    ..self.apart(kind, Verdict::Accept, before.told)
                })
            }
            PlaceAs::Live { state_before, is_refused_by_policy } => {
                self.live(event, state_before, is_refused_by_policy)
            }
        }
    }

    fn outlier(
        &self,
        event: &KnownPdu,
        staged: Option<RoomState>,
    ) -> Result<Placement, PlaceFault> {
        let before = match staged {
            Some(state) => state_before::told(&self.batch.fold, &[], &state, false)?,
            // Nothing is before a create event: a state that can start others.
            None if event.pdu.is_state("m.room.create", "") => StateBefore::AfterPrev,
            None => StateBefore::Unknown,
        };
        Ok(self.apart(PlacementKind::Outlier, Verdict::Accept, before))
    }

    fn live(
        &self,
        event: &KnownPdu,
        given: Option<GivenState>,
        is_refused_by_policy: bool,
    ) -> Result<Placement, PlaceFault> {
        let kind = PlacementKind::Live;
        let before = self.before(event, given)?;
        if verdict::by_state(&self.batch, event, &before.state)?.is_some() {
            return Ok(self.rejected_at(kind, RejectReason::StateBefore, before));
        }
        let fold = &self.batch.fold;
        let soft = if is_refused_by_policy {
            Some(SoftFailReason::PolicyServer)
        } else if fold.tips().is_empty() {
            // The first event that we see of a room: there is no other current state.
            None
        } else {
            verdict::by_state(&self.batch, event, fold.state())?
                .map(|_| SoftFailReason::CurrentState)
        };
        if let Some(reason) = soft {
            return Ok(self.apart(kind, Verdict::SoftFail(reason), before.told));
        }
        self.accepted(event, before)
    }

    fn accepted(&self, event: &KnownPdu, before: Before) -> Result<Placement, PlaceFault> {
        let fold = &self.batch.fold;
        let mut placement = Placement {
            timeline: Some(TimelinePlace(0, fold.next_index())),
            ..self.apart(PlacementKind::Live, Verdict::Accept, before.told)
        };
        // Named as an earlier event by one that is placed: no extremity, and the current state
        // stands on later events.
        if fold.is_gap(event.pdu.event_id()) {
            return Ok(placement);
        }
        let others: Vec<_> = fold
            .tips()
            .iter()
            .filter(|tip| !event.pdu.prev_events().contains(&tip.event_id))
            .collect();
        let state = self.current_state(event, before.state, &others)?;
        placement.changes = changes_between(fold.state(), &state);
        let own = entry_ref(event.position);
        placement.extremities = (!others.is_empty()).then(|| {
            let others = others.iter().map(|tip| entry_ref(tip.position));
            others.chain([own]).collect()
        });
        Ok(placement)
    }

    /// The states after `event` and after the extremities that remain, resolved to one.
    fn current_state(
        &self,
        event: &KnownPdu,
        before: RoomState,
        others: &[&Tip],
    ) -> Result<RoomState, PlaceFault> {
        let fold = &self.batch.fold;
        let mut after = before;
        if let Some(key) = event.pdu.state_key() {
            let entry =
                StateEntry { position: event.position, event_id: event.pdu.owned_event_id() };
            after.insert(state_key(event.pdu.event_type(), key), entry);
        }
        let mut states = vec![after];
        for tip in others {
            let state = fold
                .state_after(&tip.event_id)
                .or_else(|| self.states_after.get(&tip.event_id))
                .ok_or_else(|| PlaceFault::MissingPrevEvents(vec![tip.event_id.clone()]))?;
            states.push(state.clone());
        }
        let known = verdict::With { event, others: &self.batch };
        let index = verdict::index_with(fold, event);
        Ok(resolve_states(&states, &index, &self.batch.rules, &known)?)
    }

    /// A placement that leaves extremities and current state as they are.
    fn apart(&self, kind: PlacementKind, verdict: Verdict, before: StateBefore) -> Placement {
        let tips = self.batch.fold.tips();
        Placement {
            verdict,
            kind,
            before,
            changes: Vec::new(),
            extremities: (kind == PlacementKind::Live)
                .then(|| tips.iter().map(|tip| entry_ref(tip.position)).collect()),
            timeline: None,
        }
    }

    fn rejected(
        &self,
        event: &KnownPdu,
        kind: PlacementKind,
        reason: RejectReason,
    ) -> Result<Placement, PlaceFault> {
        // The state before it goes on after it; where that is not known it stays unknown.
        let told = match self.before(event, None) {
            Ok(before) if kind != PlacementKind::Outlier => before.told,
            Err(PlaceFault::MissingInputs(ids)) if kind != PlacementKind::Outlier => {
                return Err(PlaceFault::MissingInputs(ids));
            }
            _ => StateBefore::Unknown,
        };
        Ok(self.apart(kind, Verdict::Reject(reason), told))
    }

    fn rejected_at(&self, kind: PlacementKind, reason: RejectReason, before: Before) -> Placement {
        self.apart(kind, Verdict::Reject(reason), before.told)
    }

    fn before(&self, event: &KnownPdu, given: Option<GivenState>) -> Result<Before, PlaceFault> {
        state_before::find(&self.batch, &self.states_after, event, given)
    }
}
