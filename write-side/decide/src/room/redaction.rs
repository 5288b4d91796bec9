//! When a redaction takes effect (DESIGN section 5, "Redaction across time").
//!
//! Owns the rule of room version 3 and later: a redaction applies when both events are in the
//! graph and accepted, and its sender may redact or is of the same server as the target's sender.
//! Outliers, rejected and soft-failed redactions never apply. The facts are decided when the later
//! of the two is placed.

use ruma::{
    EventId, OwnedEventId,
    events::{StateEventType, TimelineEventType},
    state_res::events::{RoomCreateEvent, RoomPowerLevelsEvent, RoomPowerLevelsIntField},
};

use super::{batch::RoomBatch, refusal::RoomRefusal};
use crate::pdu::{KnownPdu, PduLookup};

/// Whether placing `event` may complete a redaction: it is one, or one waits for it.
pub(crate) fn may_complete_one(batch: &RoomBatch<'_>, event: &KnownPdu) -> bool {
    *event.pdu.event_type() == TimelineEventType::RoomRedaction
        || batch.fold.redactions_of(event.pdu.event_id()).next().is_some()
}

/// After `placed` was placed in this batch: decides the redactions that this completes.
pub(crate) fn apply_placed(batch: &mut RoomBatch<'_>, placed: &KnownPdu) {
    if !placed.is_shown() {
        return;
    }
    if *placed.pdu.event_type() == TimelineEventType::RoomRedaction
        && let Some(target) = placed.pdu.redacts().and_then(|id| batch.by_id(id))
        && applies(batch, placed, &target)
    {
        batch.push_redacted(&target, placed);
    }
    let waiting: Vec<_> =
        batch.fold.redactions_of(placed.pdu.event_id()).map(ToOwned::to_owned).collect();
    for redaction in waiting {
        if let Some(redaction) = batch.by_id(&redaction)
            && applies(batch, &redaction, placed)
        {
            batch.push_redacted(placed, &redaction);
        }
    }
}

/// What is not loaded of the redactions that wait for `target`, and of what authorizes them.
pub(crate) fn missing_for(batch: &RoomBatch<'_>, target: &EventId) -> Vec<OwnedEventId> {
    let mut missing = Vec::new();
    for id in batch.fold.redactions_of(target) {
        let Some(redaction) = batch.by_id(id) else {
            missing.push(id.to_owned());
            continue;
        };
        let auth = redaction.pdu.auth_events().iter();
        missing.extend(auth.filter(|id| batch.by_id(id).is_none()).cloned());
    }
    missing
}

/// Refuses a redaction of ours that would not apply to a target that we know.
pub(crate) fn check_wish(batch: &RoomBatch<'_>, redaction: &KnownPdu) -> Result<(), RoomRefusal> {
    if *redaction.pdu.event_type() != TimelineEventType::RoomRedaction {
        return Ok(());
    }
    let Some(target) = redaction.pdu.redacts().and_then(|id| batch.by_id(id)) else {
        return Ok(());
    };
    if is_allowed(batch, redaction, &target) {
        Ok(())
    } else {
        Err(RoomRefusal::forbidden("sender may not redact this event"))
    }
}

/// Whether `redaction` applies to `target`.
fn applies(batch: &RoomBatch<'_>, redaction: &KnownPdu, target: &KnownPdu) -> bool {
    redaction.is_shown()
        && target.is_in_graph()
        && !target.is_rejected()
        && is_allowed(batch, redaction, target)
}

fn is_allowed(batch: &RoomBatch<'_>, redaction: &KnownPdu, target: &KnownPdu) -> bool {
    let never = *target.pdu.event_type() == TimelineEventType::RoomCreate
        && target.pdu.state_key() == Some("");
    if never || target.pdu.room_id() != redaction.pdu.room_id() {
        return false;
    }
    // In versions 1 and 2 authorization has decided that already.
    batch.rules.authorization.special_case_room_redaction
        || redaction.pdu.sender().server_name() == target.pdu.sender().server_name()
        || may_redact(batch, redaction).unwrap_or(false)
}

/// Whether the power levels that authorize `redaction` let its sender redact what others sent.
///
/// They are read from its own auth events: the same on every server and at every later time.
fn may_redact(batch: &RoomBatch<'_>, redaction: &KnownPdu) -> Result<bool, String> {
    let rules = &batch.rules.authorization;
    let auth: Vec<KnownPdu> =
        redaction.pdu.auth_events().iter().filter_map(|id| batch.by_id(id)).collect();
    let of_type = |event_type: StateEventType| {
        auth.iter().find(|event| *event.pdu.event_type() == event_type.clone().into()).cloned()
    };
    let create = of_type(StateEventType::RoomCreate)
        .or_else(|| {
            let entry = batch.fold.state_entry("m.room.create", "")?;
            batch.by_id(&entry.event_id)
        })
        .ok_or("no create event")?;
    let creators = RoomCreateEvent::new(create).creators(rules)?;
    let is_creator = creators.contains(redaction.pdu.sender());
    let Some(levels) = of_type(StateEventType::RoomPowerLevels) else {
        return Ok(is_creator);
    };
    if is_creator && rules.explicitly_privilege_room_creators {
        return Ok(true);
    }
    let levels = RoomPowerLevelsEvent::new(levels);
    let own = levels.user_power_level(redaction.pdu.sender(), rules)?;
    let required = levels.get_as_int_or_default(RoomPowerLevelsIntField::Redact, rules)?;
    Ok(own >= required)
}
