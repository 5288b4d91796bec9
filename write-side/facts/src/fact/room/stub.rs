//! What stays of a message whose skeleton is destroyed.
//!
//! Owns the durable shape of stubs. A stub holds what the room's graph, its timeline and the
//! states before later events need: the event id, its edges, its place. Nothing of what the
//! message was, who sent it and when, and none of its hashes and signatures. It is written while
//! the skeleton can still be read, and looked at by nobody before that is destroyed.

use serde::{Deserialize, Serialize};

use super::{super::one_part_fact, placement::Placement};
use crate::LogPosition;

/// What is left of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PduStub {
    /// Position of the `PduStored` entry for which it stands.
    #[serde(rename = "u")]
    pub pdu: LogPosition,
    /// Event id.
    #[serde(rename = "i")]
    pub event_id: String,
    /// Ids of the events before it.
    #[serde(rename = "e")]
    pub prev_events: Vec<String>,
    /// Depth in the room's graph.
    #[serde(rename = "d")]
    pub depth: u64,
    /// The first placement, if that stood in the same entry, as it stood there: it names entries
    /// relative to the batch of the entry at `pdu`, not of the one that holds the stub.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
}

/// Messages whose skeletons are about to be destroyed got stubs. In the stream of their room, and
/// durable before any order that takes a skeleton.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesStubbed {
    /// The stubs, ascending by position.
    #[serde(rename = "s")]
    pub stubs: Vec<PduStub>,
}
one_part_fact!(MessagesStubbed = 21, StateSkeleton, personal: false);

impl MessagesStubbed {
    /// The stub that stands for the entry at a position.
    pub fn of(&self, pdu: LogPosition) -> Option<&PduStub> {
        let found = self.stubs.binary_search_by_key(&pdu, |stub| stub.pdu).ok()?;
        self.stubs.get(found)
    }
}
