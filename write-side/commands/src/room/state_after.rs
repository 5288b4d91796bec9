//! The state after an event that the room's fold no longer remembers.
//!
//! Owns walking stored placements back to a state that is known, and applying them forward; the
//! placements were decided once and are only applied (I7). Bounded: a walk that is longer than
//! that is no answer, and the event is treated as one whose state must be fetched.

use decide::room::{RoomFold, RoomState, StateEntry};
use facts::{
    Fact, LogPosition,
    fact::{Placement, StateBefore, StateChange, Verdict},
};
use ruma::{EventId, OwnedEventId};

use crate::{Fault, StoredPdu, WriteSide};

/// Placements that are walked back, at most.
const WALK_MAX: usize = 2_000;

/// One event on the way back, and how the state before it differs from the one further back.
struct StepBack {
    stored: StoredPdu,
    delta: Vec<StateChange>,
    batch: LogPosition,
    is_rejected: bool,
}

impl WriteSide {
    /// The state after `event_id`; `None` where it is not placed with a known state, or too far
    /// from every known one.
    pub async fn state_after(
        &self,
        fold: &RoomFold,
        event_id: &EventId,
    ) -> Result<Option<RoomState>, Fault> {
        let mut way: Vec<StepBack> = Vec::new();
        let mut at: OwnedEventId = event_id.to_owned();
        let mut state = loop {
            if let Some(state) = fold.state_after(&at) {
                break state.clone();
            }
            if way.len() >= WALK_MAX {
                return Ok(None);
            }
            let Some((stored, placement, batch)) = self.placed(fold, &at).await? else {
                return Ok(None);
            };
            let is_rejected = matches!(placement.verdict, Verdict::Reject(_));
            let (before, delta) = match placement.before {
                StateBefore::Unknown => return Ok(None),
                StateBefore::AfterPrev => (stored.pdu.prev_events().first().cloned(), Vec::new()),
                StateBefore::Base { at, delta, .. } => {
                    let base = self.pdu_at(fold.room_id(), at.resolve(batch)).await?;
                    let Some(base) = base else { return Ok(None) };
                    (Some(base.pdu.owned_event_id()), delta)
                }
            };
            way.push(StepBack { stored, delta, batch, is_rejected });
            match before {
                Some(before) => at = before,
                None => break RoomState::new(),
            }
        };
        while let Some(step) = way.pop() {
            step.apply(fold, &mut state);
        }
        Ok(Some(state))
    }

    /// A PDU with its latest placement and the batch that holds it.
    async fn placed(
        &self,
        fold: &RoomFold,
        event_id: &EventId,
    ) -> Result<Option<(StoredPdu, Placement, LogPosition)>, Fault> {
        let Some(stored) = self.pdu(fold.room_id(), event_id).await? else {
            return Ok(None);
        };
        if let Some(at) = self.core().placement(stored.position)?
            && let Some((header, Fact::PduPlaced(placed))) = self.read_entry(at).await?
        {
            return Ok(Some((stored, placed.placement, header.batch)));
        }
        let Some(placement) = stored.first_placement.as_deref().cloned() else {
            return Ok(None);
        };
        let batch = stored.batch;
        Ok(Some((stored, placement, batch)))
    }
}

impl StepBack {
    fn apply(self, fold: &RoomFold, state: &mut RoomState) {
        for StateChange(event_type, state_key, _, new) in self.delta {
            let key = (event_type, state_key);
            let entry = new.and_then(|new| fold.index().state_entry(new.resolve(self.batch)));
            match entry {
                Some(entry) => state.insert(key, entry),
                None => state.remove(&key),
            };
        }
        let pdu = &self.stored.pdu;
        if let (Some(state_key), false) = (pdu.state_key(), self.is_rejected) {
            let entry =
                StateEntry { position: self.stored.position, event_id: pdu.owned_event_id() };
            state.insert((pdu.event_type().to_string(), state_key.to_owned()), entry);
        }
    }
}
