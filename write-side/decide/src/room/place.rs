//! Placing PDUs of other servers.
//!
//! Owns [`ForeignBatch`]: storing and placing what another server sent, one after the other, as
//! one batch; checks 4 to 6 of the spec ("Checks performed on receipt of a PDU"), new extremities,
//! the new current state. Outcomes are facts and are never computed again. A PDU that is missing
//! stops the placement with a fault and decides nothing. Invariants: I2, I7, I8, I14.

mod state_before;
mod verdict;

use std::{collections::HashMap, sync::Arc};

use facts::fact::{
    PduPlaced, Placement, PlacementKind, RejectReason, SoftFailReason, StateBefore, TimelinePlace,
    Verdict,
};
use ruma::{EventId, OwnedEventId, room_version_rules::RoomVersionRules};

use self::state_before::Before;
use super::{
    batch::{RoomBatch, RoomFact, stored_fact},
    fold::RoomFold,
    new_event::Needed,
    provisional::{entry_ref, provisional},
    receive::ReceivedPdu,
    redaction,
    state::{RoomState, StateEntry, changes_between},
};
use crate::{
    pdu::{KnownPdu, PduLookup, Standing},
    resolution::{ResolutionFault, resolve_states},
};

/// How a PDU is to be placed.
#[derive(Clone, Debug)]
pub enum PlaceAs {
    /// After what we have.
    Live {
        /// The state before it as another server told it; needed where an event before it is
        /// missing.
        state_before: Option<GivenState>,
        /// True where the room's policy server refused to sign it.
        is_refused_by_policy: bool,
    },
    /// Known without a place in the graph: an event of somebody's auth chain or state.
    Outlier {
        /// State that is staged at this event: a large state that a later placement starts from
        /// is told in several of them.
        staged: Option<RoomState>,
    },
    /// Before what we have.
    Historic {
        /// The state before it, where the events before it are missing.
        state_before: Option<GivenState>,
        /// Its place in the timeline.
        place: TimelinePlace,
    },
}

impl PlaceAs {
    /// Live, after events that we have.
    pub fn live() -> Self {
        Self::Live {
            state_before: None,
            is_refused_by_policy: false,
        }
    }

    /// An outlier without staged state.
    pub fn outlier() -> Self {
        Self::Outlier { staged: None }
    }

    fn kind(&self) -> PlacementKind {
        match self {
            Self::Live { .. } => PlacementKind::Live,
            Self::Outlier { .. } => PlacementKind::Outlier,
            Self::Historic { .. } => PlacementKind::Historic,
        }
    }
}

/// A state that another server told.
#[derive(Clone, Debug)]
pub struct GivenState {
    /// The state; its events are placed, at least as outliers.
    pub state: RoomState,
    /// False where members may be missing.
    pub is_full: bool,
}

/// Why a PDU cannot be placed now. Nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceFault {
    /// The PDU is not loaded.
    #[error("event {0} was not loaded")]
    Unknown(OwnedEventId),
    /// Auth events that are not stored and placed, or were not loaded.
    #[error("{} auth events are missing", .0.len())]
    MissingAuthEvents(Vec<OwnedEventId>),
    /// Events before it whose state is not known: fetch them, or give the state before it.
    #[error("the state after {} earlier events is not known", .0.len())]
    MissingPrevEvents(Vec<OwnedEventId>),
    /// PDUs that a check or resolution reads were not loaded.
    #[error("{} events that the checks read were not loaded", .0.len())]
    MissingInputs(Vec<OwnedEventId>),
    /// There is no placed event from which the state before it could be told.
    #[error("no event is placed from which a state can be told")]
    NoBase,
    /// Resolution failed for another reason.
    #[error("the states before the event cannot be resolved: {0}")]
    Resolution(String),
    /// Redaction cannot read it.
    #[error("the event cannot be stored")]
    Unstorable,
}

impl From<ResolutionFault> for PlaceFault {
    fn from(fault: ResolutionFault) -> Self {
        match fault {
            ResolutionFault::Missing(ids) => Self::MissingInputs(ids),
            other => Self::Resolution(other.to_string()),
        }
    }
}

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
        let pdu = Arc::unwrap_or_clone(event.pdu);
        let placed = self
            .batch
            .push_pdu(pdu, placement, None)
            .map_err(|_| PlaceFault::Unstorable)?;
        redaction::apply_placed(&mut self.batch, &placed);
        Ok(verdict)
    }

    /// Places a PDU that is stored, or places it anew.
    pub fn place(&mut self, event_id: &EventId, how: PlaceAs) -> Result<Verdict, PlaceFault> {
        let mut event = self
            .batch
            .by_id(event_id)
            .ok_or_else(|| PlaceFault::Unknown(event_id.to_owned()))?;
        if let (true, Standing::Placed { verdict, .. }) = (event.is_in_graph(), event.standing) {
            return Ok(verdict);
        }
        let placement = self.placement(&event, how)?;
        let verdict = placement.verdict;
        event.standing = Standing::from(Some(&placement));
        let fact = PduPlaced {
            pdu: entry_ref(event.position),
            placement,
        };
        self.batch.push(RoomFact {
            fact: fact.into(),
            actor: None,
            person: None,
        });
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
            PlaceAs::Historic {
                state_before,
                place,
            } => {
                let before = self.before(event, state_before)?;
                if verdict::by_state(&self.batch, event, &before.state)?.is_some() {
                    return Ok(self.rejected_at(kind, RejectReason::StateBefore, before));
                }
                Ok(Placement {
                    timeline: Some(place),
                    ..self.apart(kind, Verdict::Accept, before.told)
                })
            }
            PlaceAs::Live {
                state_before,
                is_refused_by_policy,
            } => self.live(event, state_before, is_refused_by_policy),
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
        if fold.gaps().any(|(gap, _)| gap == event.pdu.event_id()) {
            return Ok(placement);
        }
        let mut after = before.state;
        if let Some(key) = event.pdu.state_key() {
            let entry = StateEntry {
                position: event.position,
                event_id: event.pdu.owned_event_id(),
            };
            after.insert((event.pdu.event_type().to_string(), key.to_owned()), entry);
        }
        let others: Vec<_> = fold
            .tips()
            .iter()
            .filter(|tip| !event.pdu.prev_events().contains(&tip.event_id))
            .collect();
        let mut states = vec![after];
        for tip in &others {
            let state = fold
                .state_after(&tip.event_id)
                .or_else(|| self.states_after.get(&tip.event_id))
                .ok_or_else(|| PlaceFault::MissingPrevEvents(vec![tip.event_id.clone()]))?;
            states.push(state.clone());
        }
        let own = entry_ref(event.position);
        placement.extremities = (!others.is_empty()).then(|| {
            let others = others.iter().map(|tip| entry_ref(tip.position));
            others.chain([own]).collect()
        });
        let index = verdict::index_with(fold, event);
        let state = resolve_states(
            &states,
            &index,
            &self.batch.rules,
            &verdict::With {
                event,
                others: &self.batch,
            },
        )?;
        placement.changes = changes_between(fold.state(), &state);
        Ok(placement)
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

    fn rejected_at(
        &self,
        kind: PlacementKind,
        reason: RejectReason,
        before: Before,
    ) -> Placement {
        self.apart(kind, Verdict::Reject(reason), before.told)
    }

    fn before(&self, event: &KnownPdu, given: Option<GivenState>) -> Result<Before, PlaceFault> {
        state_before::find(&self.batch, &self.states_after, event, given)
    }
}

/// The PDUs that placing `pdu` surely reads; more are named by [`PlaceFault::MissingInputs`].
///
/// The target of a redaction is optional: where it exists it must be loaded, and where it does not
/// the redaction waits for it.
pub fn needed_for_placing(
    fold: &RoomFold,
    rules: &RoomVersionRules,
    pdu: &crate::pdu::Pdu,
) -> Vec<Needed> {
    let required = |event_id: &EventId| Needed {
        event_id: event_id.to_owned(),
        optional: false,
    };
    let optional = |event_id: &EventId| Needed {
        event_id: event_id.to_owned(),
        optional: true,
    };
    let create = fold.state_entry("m.room.create", "");
    let read = verdict::read_keys(rules, pdu);
    let state = read.iter().filter_map(|key| fold.state().get(key));
    let mut needed: Vec<Needed> = pdu
        .auth_events()
        .iter()
        .map(|id| required(id))
        .chain(state.chain(create).map(|entry| required(&entry.event_id)))
        .chain(verdict::create_named_by(rules, pdu).map(|id| required(&id)))
        .chain(pdu.redacts().map(optional))
        .chain(fold.redactions_of(pdu.event_id()).map(required))
        .collect();
    needed.sort_by(|a, b| (&a.event_id, a.optional).cmp(&(&b.event_id, b.optional)));
    needed.dedup_by(|later, earlier| later.event_id == earlier.event_id);
    needed
}
