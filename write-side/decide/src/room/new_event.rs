//! Deciding an event of our own.
//!
//! Owns [`decide_new_event`]: choosing what it follows and what authorizes it, building, hashing
//! and signing it, checking it against the room's rules, and placing it. Invariants: I2, I8, I9,
//! I14. Never looks at a view, and never at a PDU that the caller did not load.

mod approvals;
mod build;
mod check;
mod prev;
mod sign;
mod template;

use facts::{
    LogPosition, Timestamp,
    fact::{ClientTxn, Placement, PlacementKind, StateChange, TimelinePlace, Verdict},
};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, OwnedEventId, OwnedUserId,
    canonical_json::to_canonical_value, events::TimelineEventType, state_res::auth_types_for_event,
};
use serde::Serialize;

use super::{
    batch::{Decision, LocalContext, RoomBatch},
    fold::{RoomFold, TxnKey},
    provisional::{entry_ref, provisional},
    redaction,
    refusal::RoomRefusal,
    state::state_key,
};
use crate::pdu::{KnownPdu, PduLookup};
pub use approvals::Approvals;
pub(crate) use build::create_event_id;
pub(crate) use check::{check_against, check_state_independent};
pub(crate) use prev::PREV_EVENTS_MAX;
pub use sign::EventSigner;
pub use template::{add_signature, event_template, sign_template};

/// An event that somebody wishes to send.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Who sends it.
    pub sender: OwnedUserId,
    /// Event type.
    pub event_type: TimelineEventType,
    /// State key of a state event.
    pub state_key: Option<String>,
    /// Content; of a redaction without `redacts`.
    pub content: CanonicalJsonObject,
    /// The target of a redaction.
    pub redacts: Option<OwnedEventId>,
    /// The client's transaction.
    pub txn: Option<ClientTxn>,
    /// Another time than now, where an appservice may give one.
    pub origin_server_ts: Option<Timestamp>,
}

impl NewEvent {
    /// A message.
    pub fn message(
        sender: OwnedUserId,
        event_type: impl Into<TimelineEventType>,
        content: CanonicalJsonObject,
    ) -> Self {
        Self {
            sender,
            event_type: event_type.into(),
            state_key: None,
            content,
            redacts: None,
            txn: None,
            origin_server_ts: None,
        }
    }

    /// A state event.
    pub fn state(
        sender: OwnedUserId,
        event_type: impl Into<TimelineEventType>,
        state_key: impl Into<String>,
        content: CanonicalJsonObject,
    ) -> Self {
        Self { state_key: Some(state_key.into()), ..Self::message(sender, event_type, content) }
    }

    /// A redaction of `target`.
    pub fn redaction(sender: OwnedUserId, target: OwnedEventId, reason: Option<&str>) -> Self {
        let content = reason
            .map(|reason| ("reason".to_owned(), reason.to_owned().into()))
            .into_iter()
            .collect();
        Self {
            redacts: Some(target),
            ..Self::message(sender, TimelineEventType::RoomRedaction, content)
        }
    }

    /// Content of anything that serializes to a JSON object, by the canonical form's rules.
    pub fn content_of(content: &impl Serialize) -> Result<CanonicalJsonObject, RoomRefusal> {
        match to_canonical_value(content) {
            Ok(CanonicalJsonValue::Object(content)) => Ok(content),
            Ok(_) => Err(RoomRefusal::Malformed("content is no object".to_owned())),
            Err(error) => Err(RoomRefusal::Malformed(error.to_string())),
        }
    }
}

/// A PDU that must be loaded before a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Its id.
    pub event_id: OwnedEventId,
    /// Position of its `PduStored` entry, where the fold tells it.
    pub position: Option<LogPosition>,
    /// True where the decision goes on without it if it does not exist (a redaction's target).
    pub optional: bool,
}

/// The PDUs that [`decide_new_event`] will read.
pub fn needed_for(fold: &RoomFold, event: &NewEvent) -> Vec<Needed> {
    let Some(rules) = fold.rules() else {
        return Vec::new();
    };
    let mut needed: Vec<Needed> = auth_keys(event, &rules)
        .into_iter()
        .chain([("m.room.create".to_owned(), String::new())])
        .chain(event.state_key.as_ref().map(|key| state_key(&event.event_type, key)))
        .filter_map(|key| fold.state().get(&key))
        .map(|entry| required(&entry.event_id, entry.position))
        .collect();
    // Only room version 2 names events by their hashes too.
    if rules.event_format.require_event_id {
        needed.extend(fold.tips().iter().map(|tip| required(&tip.event_id, tip.position)));
    }
    if let Some(target) = redaction_target(event) {
        needed.push(Needed { event_id: target, position: None, optional: true });
    }
    needed.sort_by(|a, b| (&a.event_id, a.optional).cmp(&(&b.event_id, b.optional)));
    needed.dedup_by(|later, earlier| later.event_id == earlier.event_id);
    needed
}

fn required(event_id: &OwnedEventId, position: LogPosition) -> Needed {
    Needed { event_id: event_id.clone(), position: Some(position), optional: false }
}

fn redaction_target(event: &NewEvent) -> Option<OwnedEventId> {
    if event.event_type != TimelineEventType::RoomRedaction {
        return None;
    }
    event.redacts.clone().or_else(|| {
        let redacts = event.content.get("redacts")?.as_str()?;
        EventId::parse(redacts).ok()
    })
}

/// Keys of the state that authorizes `event`, without the create event from room version 12 on.
fn auth_keys(
    event: &NewEvent,
    rules: &ruma::room_version_rules::RoomVersionRules,
) -> Vec<super::state::StateKey> {
    // Of other events the content is not read.
    let empty = CanonicalJsonObject::new();
    let is_member = event.event_type == TimelineEventType::RoomMember;
    let read = if is_member { &event.content } else { &empty };
    let Ok(content) = serde_json::value::to_raw_value(read) else {
        return Vec::new();
    };
    auth_types_for_event(
        &event.event_type,
        &event.sender,
        event.state_key.as_deref(),
        &content,
        &rules.authorization,
    )
    .unwrap_or_default()
    .into_iter()
    .map(|(event_type, key)| state_key(&event_type, key))
    .collect()
}

/// Decides one event of ours.
///
/// `lookup` must hold what [`needed_for`] names for this fold. No facts are decided where the
/// transaction was fulfilled before or the state is set already.
pub fn decide_new_event(
    fold: &RoomFold,
    event: &NewEvent,
    context: &LocalContext<'_>,
    lookup: &dyn PduLookup,
) -> Result<Decision, RoomRefusal> {
    let rules = fold.rules().ok_or(RoomRefusal::UnknownRoom)?;
    let mut batch = RoomBatch::new(fold, rules, lookup, context.first_index);
    let (candidate, placement, txn) = match prepare(&batch, event, context)? {
        Prepared::Already(event_id) => return Ok(batch.into_decision(event_id)),
        Prepared::New { candidate, placement, txn } => (candidate, placement, txn),
    };
    let event_id = candidate.pdu.owned_event_id();
    if redaction::may_complete_one(&batch, &candidate) {
        let known = batch.push_pdu(candidate.pdu, *placement, txn)?;
        redaction::apply_placed(&mut batch, &known);
    } else {
        batch.push_last_pdu(candidate.pdu, *placement, txn)?;
    }
    Ok(batch.into_decision(event_id))
}

/// An event of ours before it enters a batch.
enum Prepared {
    /// The wish is fulfilled by this event.
    Already(OwnedEventId),
    /// Built, signed, checked and placed.
    New { candidate: KnownPdu, placement: Box<Placement>, txn: Option<ClientTxn> },
}

/// Adds one event of ours to a batch and gives its id; adds nothing where it is there already.
pub(crate) fn add_event(
    batch: &mut RoomBatch<'_>,
    event: &NewEvent,
    context: &LocalContext<'_>,
) -> Result<OwnedEventId, RoomRefusal> {
    let (candidate, placement, txn) = match prepare(batch, event, context)? {
        Prepared::Already(event_id) => return Ok(event_id),
        Prepared::New { candidate, placement, txn } => (candidate, placement, txn),
    };
    let known = batch.push_pdu(candidate.pdu, *placement, txn)?;
    redaction::apply_placed(batch, &known);
    Ok(known.pdu.owned_event_id())
}

fn prepare(
    batch: &RoomBatch<'_>,
    event: &NewEvent,
    context: &LocalContext<'_>,
) -> Result<Prepared, RoomRefusal> {
    if let Some(event_id) = already(batch, event)? {
        return Ok(Prepared::Already(event_id));
    }
    let pdu = build::build(batch, event, context)?;
    let position = provisional(batch.next_index());
    let candidate = KnownPdu {
        position,
        pdu: std::sync::Arc::new(pdu),
        standing: crate::pdu::Standing::Stored,
    };
    check::check_as_before(batch, &candidate, context.approvals)?;
    redaction::check_wish(batch, &candidate)?;
    let placement = Box::new(place(batch, &candidate));
    Ok(Prepared::New { candidate, placement, txn: event.txn.clone() })
}

/// The event that fulfills the wish already.
fn already(batch: &RoomBatch<'_>, event: &NewEvent) -> Result<Option<OwnedEventId>, RoomRefusal> {
    if let Some(txn) = &event.txn
        && let Some(event_id) = batch.fold.txn(&TxnKey::new(&event.sender, txn))
    {
        return Ok(Some(event_id.to_owned()));
    }
    let Some(key) = &event.state_key else {
        return Ok(None);
    };
    let Some(current) = batch.fold.state().get(&state_key(&event.event_type, key)) else {
        return Ok(None);
    };
    let current = batch.required(&current.event_id)?;
    let same = *current.pdu.sender() == event.sender
        && current.pdu.content_object() == Some(&event.content);
    Ok(same.then(|| current.pdu.owned_event_id()))
}

/// Places an event of ours: after all extremities, in the current state.
fn place(batch: &RoomBatch<'_>, event: &KnownPdu) -> Placement {
    let fold = &batch.fold;
    let own = entry_ref(event.position);
    let changes = event.pdu.state_key().map(|key| {
        let event_type = event.pdu.event_type().to_string();
        let old = fold.state_entry(&event_type, key);
        StateChange(event_type, key.to_owned(), old.map(|old| entry_ref(old.position)), Some(own))
    });
    let remaining: Vec<_> = fold
        .tips()
        .iter()
        .filter(|tip| !event.pdu.prev_events().contains(&tip.event_id))
        .map(|tip| entry_ref(tip.position))
        .collect();
    Placement {
        verdict: Verdict::Accept,
        kind: PlacementKind::Live,
        before: prev::state_before(fold),
        changes: changes.into_iter().collect(),
        extremities: (!remaining.is_empty()).then(|| remaining.into_iter().chain([own]).collect()),
        timeline: Some(TimelinePlace(0, fold.next_index())),
    }
}
