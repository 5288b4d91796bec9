//! A PDU together with where it stands, as authorization and resolution read it.
//!
//! Owns [`KnownPdu`], the trait by which decisions look PDUs up, and the map that callers fill
//! with what a decision names beforehand. A lookup never waits: what is not in it is missing.

use std::{collections::HashMap, sync::Arc};

use facts::{
    LogPosition,
    fact::{Placement, PlacementKind, TimelinePlace, Verdict},
};
use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, RoomId, UserId, events::TimelineEventType,
    state_res::Event,
};
use serde_json::value::RawValue;

use super::Pdu;

/// Where a stored PDU stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Stored, and nothing decided yet.
    Stored,
    /// Placed; the latest placement counts.
    Placed {
        /// Outcome of the checks.
        verdict: Verdict,
        /// Live, outlier or historic.
        kind: PlacementKind,
        /// Its place in the timeline order.
        timeline: Option<TimelinePlace>,
    },
}

impl From<Option<&Placement>> for Standing {
    fn from(placement: Option<&Placement>) -> Self {
        placement.map_or(Self::Stored, |placement| Self::Placed {
            verdict: placement.verdict,
            kind: placement.kind,
            timeline: placement.timeline,
        })
    }
}

/// A stored PDU and where it stands.
#[derive(Clone, Debug)]
pub struct KnownPdu {
    /// Position of its `PduStored` entry.
    pub position: LogPosition,
    /// The PDU.
    pub pdu: Arc<Pdu>,
    /// Where it stands.
    pub standing: Standing,
}

impl KnownPdu {
    /// True where its latest placement rejected it.
    pub fn is_rejected(&self) -> bool {
        matches!(self.standing, Standing::Placed { verdict: Verdict::Reject(_), .. })
    }

    /// True where it stands in the room's graph with a state of its own.
    pub fn is_in_graph(&self) -> bool {
        matches!(
            self.standing,
            Standing::Placed { kind: PlacementKind::Live | PlacementKind::Historic, .. }
        )
    }

    /// True where clients may ever see it: in the graph and accepted.
    pub fn is_shown(&self) -> bool {
        self.is_in_graph()
            && matches!(self.standing, Standing::Placed { verdict: Verdict::Accept, .. })
    }
}

/// How a decision looks up PDUs that its caller loaded.
pub trait PduLookup {
    /// The PDU of that id, if it was loaded.
    fn by_id(&self, event_id: &EventId) -> Option<KnownPdu>;
}

/// The PDUs that a caller loaded.
#[derive(Clone, Debug, Default)]
pub struct KnownPdus(HashMap<OwnedEventId, KnownPdu>);

impl KnownPdus {
    /// Nothing loaded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a PDU, in place of what was known of it.
    pub fn insert(&mut self, known: KnownPdu) {
        self.0.insert(known.pdu.owned_event_id(), known);
    }

    /// True where a PDU of that id is loaded.
    pub fn contains(&self, event_id: &EventId) -> bool {
        self.0.contains_key(event_id)
    }

    /// How many PDUs are loaded.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where nothing is loaded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<KnownPdu> for KnownPdus {
    fn extend<I: IntoIterator<Item = KnownPdu>>(&mut self, pdus: I) {
        pdus.into_iter().for_each(|known| self.insert(known));
    }
}

impl FromIterator<KnownPdu> for KnownPdus {
    fn from_iter<I: IntoIterator<Item = KnownPdu>>(pdus: I) -> Self {
        let mut known = Self::new();
        known.extend(pdus);
        known
    }
}

impl PduLookup for KnownPdus {
    fn by_id(&self, event_id: &EventId) -> Option<KnownPdu> {
        self.0.get(event_id).cloned()
    }
}

impl Event for KnownPdu {
    type Id = OwnedEventId;

    fn event_id(&self) -> &Self::Id {
        &self.pdu.event_id
    }

    fn room_id(&self) -> Option<&RoomId> {
        self.pdu.names_room.then_some(&*self.pdu.room_id)
    }

    fn sender(&self) -> &UserId {
        &self.pdu.sender
    }

    fn origin_server_ts(&self) -> MilliSecondsSinceUnixEpoch {
        self.pdu.origin_server_ts
    }

    fn event_type(&self) -> &TimelineEventType {
        &self.pdu.event_type
    }

    fn content(&self) -> &RawValue {
        &self.pdu.content
    }

    fn state_key(&self) -> Option<&str> {
        self.pdu.state_key()
    }

    fn prev_events(&self) -> Box<dyn DoubleEndedIterator<Item = &Self::Id> + '_> {
        Box::new(self.pdu.prev_events.iter())
    }

    fn auth_events(&self) -> Box<dyn DoubleEndedIterator<Item = &Self::Id> + '_> {
        Box::new(self.pdu.auth_events.iter())
    }

    fn redacts(&self) -> Option<&Self::Id> {
        self.pdu.redacts.as_ref()
    }

    fn rejected(&self) -> bool {
        self.is_rejected()
    }
}
