//! Checking an event against the room's rules.
//!
//! Both checks are ruma's; here is what they read: the auth events by id, and a state.

use ruma::{
    EventId,
    events::{StateEventType, TimelineEventType},
    room_version_rules::AuthorizationRules,
    state_res::{check_state_dependent_auth_rules, check_state_independent_auth_rules},
};

use super::approvals::{Approval, Approvals};
use crate::{
    pdu::{KnownPdu, PduLookup},
    room::{
        batch::RoomBatch,
        refusal::RoomRefusal,
        state::{RoomState, state_key},
    },
};

/// As [`check_new`], which is skipped where it has approved the same before.
pub(super) fn check_as_before(
    batch: &RoomBatch<'_>,
    event: &KnownPdu,
    approvals: Option<&Approvals>,
) -> Result<(), RoomRefusal> {
    let Some(approvals) = approvals else {
        return check_new(batch, event);
    };
    let asked = Approval::asked_for(batch, event);
    if asked.as_ref().is_some_and(|asked| approvals.holds(asked)) {
        return Ok(());
    }
    check_new(batch, event)?;
    if let Some(approved) = asked {
        approvals.keep(approved);
    }
    Ok(())
}

pub(super) fn check_new(batch: &RoomBatch<'_>, event: &KnownPdu) -> Result<(), RoomRefusal> {
    for id in event.pdu.auth_events() {
        batch.required(id)?;
    }
    if *event.pdu.event_type() != TimelineEventType::RoomCreate {
        // A room of which only outliers are known: nothing of ours can follow.
        if batch.fold.tips().is_empty() {
            return Err(RoomRefusal::UnknownRoom);
        }
        let create = batch.fold.state_entry("m.room.create", "").ok_or(RoomRefusal::UnknownRoom)?;
        batch.required(&create.event_id)?;
    }
    let rules = &batch.rules.authorization;
    check_state_independent(rules, event, batch).map_err(RoomRefusal::forbidden)?;
    check_against(rules, event, batch.fold.state(), batch).map_err(RoomRefusal::forbidden)
}

/// The rules that read the auth events alone.
pub(crate) fn check_state_independent(
    rules: &AuthorizationRules,
    event: &KnownPdu,
    lookup: &dyn PduLookup,
) -> Result<(), String> {
    check_state_independent_auth_rules(rules, event, |id: &EventId| lookup.by_id(id))
}

/// The rules that read a state. Its events that the rules read must be loaded.
pub(crate) fn check_against(
    rules: &AuthorizationRules,
    event: &KnownPdu,
    state: &RoomState,
    lookup: &dyn PduLookup,
) -> Result<(), String> {
    check_state_dependent_auth_rules(rules, event, state_lookup(state, lookup))
}

/// How ruma reads `state`.
fn state_lookup<'a>(
    state: &'a RoomState,
    lookup: &'a dyn PduLookup,
) -> impl Fn(&StateEventType, &str) -> Option<KnownPdu> + 'a {
    move |event_type, key| {
        let entry = state.get(&state_key(&event_type, key))?;
        lookup.by_id(&entry.event_id)
    }
}
