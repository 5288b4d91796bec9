//! Checks that passed before.
//!
//! Owns a bounded memory of (sender, type, authorizing events) for which the rules allowed an event
//! of ours that is no state event. Those rules read nothing else of such an event, so the same
//! check gives the same answer; a busy room asks for it with every message. Invariant: I2 (it
//! changes no decision), I10. Never remembers a refusal, a state event or a redaction.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use facts::LogPosition;
use ruma::{OwnedUserId, events::TimelineEventType};

use crate::{
    pdu::{KnownPdu, PduLookup},
    room::batch::RoomBatch,
};

/// Approvals in memory; above it all are forgotten and checked anew.
const APPROVALS_MAX: usize = 20_000;

/// The approvals of a server.
#[derive(Debug, Default)]
pub struct Approvals(Mutex<HashSet<Approval>>);

/// What such a check reads: the create event tells room and version, the others the rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Approval {
    sender: OwnedUserId,
    event_type: String,
    create: LogPosition,
    auth: Vec<LogPosition>,
}

impl Approval {
    /// `None` where more is read than this says, or one of the authorizing events is rejected.
    pub(super) fn asked_for(batch: &RoomBatch<'_>, event: &KnownPdu) -> Option<Self> {
        let event_type = event.pdu.event_type();
        if event.pdu.state_key().is_some() || *event_type == TimelineEventType::RoomRedaction {
            return None;
        }
        let create = batch.fold.state_entry("m.room.create", "")?.position;
        let mut auth = Vec::with_capacity(4);
        for id in event.pdu.auth_events() {
            let known = batch.by_id(id)?;
            if known.is_rejected() {
                return None;
            }
            auth.push(known.position);
        }
        Some(Self {
            sender: event.pdu.sender().to_owned(),
            event_type: event_type.to_string(),
            create,
            auth,
        })
    }
}

impl Approvals {
    pub(super) fn holds(&self, approval: &Approval) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(approval)
    }

    pub(super) fn keep(&self, approval: Approval) {
        let mut approvals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if approvals.len() >= APPROVALS_MAX {
            approvals.clear();
        }
        approvals.insert(approval);
    }
}
