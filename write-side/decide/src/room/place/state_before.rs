//! The state before a PDU, and how a fact tells it.

use std::collections::HashMap;

use facts::fact::StateBefore;
use ruma::OwnedEventId;

use super::{GivenState, PlaceFault};
use crate::{
    pdu::KnownPdu,
    resolution::resolve_states,
    room::{
        batch::RoomBatch,
        fold::RoomFold,
        provisional::entry_ref,
        state::{RoomState, changes_between},
    },
};

/// The state before a PDU.
pub(super) struct Before {
    pub(super) state: RoomState,
    pub(super) told: StateBefore,
}

/// The given state, or the one after its prev events, resolved where they are several.
pub(super) fn find(
    batch: &RoomBatch<'_>,
    states_after: &HashMap<OwnedEventId, RoomState>,
    event: &KnownPdu,
    given: Option<GivenState>,
) -> Result<Before, PlaceFault> {
    let fold = &batch.fold;
    let prev = event.pdu.prev_events();
    if let Some(given) = given {
        let told = told(fold, prev, &given.state, given.is_full)?;
        return Ok(Before { state: given.state, told });
    }
    if prev.is_empty() {
        return Ok(Before { state: RoomState::new(), told: StateBefore::AfterPrev });
    }
    let mut states = Vec::with_capacity(prev.len());
    let mut missing = Vec::new();
    for id in prev {
        match fold.state_after(id).or_else(|| states_after.get(id)) {
            Some(state) => states.push(state.clone()),
            None => missing.push(id.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(PlaceFault::MissingPrevEvents(missing));
    }
    let state = resolve_states(&states, fold.index(), &batch.rules, batch)?;
    let told = match prev {
        [one] if fold.state_after(one).is_some() => StateBefore::AfterPrev,
        _ => told(fold, prev, &state, true)?,
    };
    Ok(Before { state, told })
}

/// `state` as a difference from the state after an event that the fold remembers: one before it,
/// else an extremity, else the latest.
pub(super) fn told(
    fold: &RoomFold,
    prev: &[OwnedEventId],
    state: &RoomState,
    full: bool,
) -> Result<StateBefore, PlaceFault> {
    let tips = fold.tips().iter().rev().map(|tip| &tip.event_id);
    let (at, base) = prev
        .iter()
        .chain(tips)
        .find_map(|id| fold.recent_with_state(id))
        .or_else(|| fold.latest_with_state())
        .ok_or(PlaceFault::NoBase)?;
    Ok(StateBefore::Base { at: entry_ref(at), delta: changes_between(base, state), full })
}
