//! The state after an event that the room's fold no longer remembers.
//!
//! Owns walking stored placements back to a state that is known, and applying them forward; the
//! placements were decided once and are only applied (I7). A destroyed message is walked through by
//! its stub, and changes no state. Bounded: a walk that is longer than
//! that is no answer, and the event is treated as one whose state must be fetched.

use decide::room::{RoomFold, RoomState, StateEntry};
use facts::{
    EntryHeader, Fact, LogPosition,
    fact::{PduStub, Placement, StateBefore, StateChange, Verdict},
};
use ruma::{EventId, OwnedEventId};

use crate::{Fault, StoredPdu, WriteSide};

/// Placements that are walked back, at most.
const WALK_MAX: usize = 2_000;

/// An event, as far as it matters for states.
struct PlacedEvent {
    event_id: OwnedEventId,
    position: LogPosition,
    /// The first of the events before it.
    prev: Option<OwnedEventId>,
    /// Type and state key of a state event.
    place: Option<(String, String)>,
    /// What its own entry decided, and the batch in which that stands.
    first: Option<(Placement, LogPosition)>,
}

/// One event on the way back, and how the state before it differs from the one further back.
struct StepBack {
    event: PlacedEvent,
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
            let Some((event, placement, batch)) = self.placed(fold, &at).await? else {
                return Ok(None);
            };
            let is_rejected = matches!(placement.verdict, Verdict::Reject(_));
            let (before, delta) = match placement.before {
                StateBefore::Unknown => return Ok(None),
                StateBefore::AfterPrev => (event.prev.clone(), Vec::new()),
                StateBefore::Base { at, delta, .. } => {
                    let base = self.event_id_at(fold.room_id(), at.resolve(batch)).await?;
                    let Some(base) = base else { return Ok(None) };
                    (Some(base), delta)
                }
            };
            way.push(StepBack { event, delta, batch, is_rejected });
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

    /// An event with its latest placement and the batch that holds it.
    async fn placed(
        &self,
        fold: &RoomFold,
        event_id: &EventId,
    ) -> Result<Option<(PlacedEvent, Placement, LogPosition)>, Fault> {
        let Some(mut event) = self.placed_event(fold, event_id).await? else {
            return Ok(None);
        };
        if let Some(at) = self.core().placement(event.position)?
            && let Some((header, Fact::PduPlaced(placed))) = self.read_entry(at).await?
        {
            return Ok(Some((event, placed.placement, header.batch)));
        }
        let first = event.first.take();
        Ok(first.map(|(placement, batch)| (event, placement, batch)))
    }

    async fn placed_event(
        &self,
        fold: &RoomFold,
        event_id: &EventId,
    ) -> Result<Option<PlacedEvent>, Fault> {
        if let Some(stored) = self.pdu(fold.room_id(), event_id).await? {
            return Ok(Some(PlacedEvent::of(&stored)));
        }
        let Some(position) = self.core().event_position(event_id.as_str())? else {
            return Ok(None);
        };
        Ok(match self.read_entry(position).await? {
            Some((header, Fact::PduStub(stub))) if header.stream == fold.stream() => {
                PlacedEvent::of_stub(event_id, &header, stub)
            }
            _ => None,
        })
    }
}

impl PlacedEvent {
    fn of(stored: &StoredPdu) -> Self {
        let pdu = &stored.pdu;
        let event_type = || pdu.event_type().to_string();
        Self {
            event_id: pdu.owned_event_id(),
            position: stored.position,
            prev: pdu.prev_events().first().cloned(),
            place: pdu.state_key().map(|state_key| (event_type(), state_key.to_owned())),
            first: stored.first_placement.as_deref().cloned().map(|first| (first, stored.batch)),
        }
    }

    /// `None` where an id in the stub is none.
    fn of_stub(event_id: &EventId, header: &EntryHeader, stub: PduStub) -> Option<Self> {
        let prev = stub.prev_events.first().map(EventId::parse).transpose().ok()?;
        Some(Self {
            event_id: event_id.to_owned(),
            position: header.position,
            prev,
            place: None,
            first: stub.placement.map(|first| (first, header.batch)),
        })
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
        if let (Some(place), false) = (self.event.place, self.is_rejected) {
            let entry = StateEntry { position: self.event.position, event_id: self.event.event_id };
            state.insert(place, entry);
        }
    }
}
