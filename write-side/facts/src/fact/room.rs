//! Facts of a room: PDUs, where they were placed, what was redacted; and of its aliases.
//!
//! Owns `PduStored` (the bytes, once for each event id), `PduPlaced`, `PduRedacted`,
//! `MessagesStubbed`, stripped state of invites, the room's directory listing and aliases.
//! Invariants: I6 (skeleton bytes are stored, never computed again by newer code); placement
//! outcomes are stored, so replay runs no authorization and no resolution.
//! Hot shapes use one-letter keys; `docs/log-format.md` spells them out.

mod placement;
mod stored;
mod stub;

use serde::{Deserialize, Serialize};

pub use self::{
    placement::{
        Placement, PlacementKind, RejectReason, SoftFailReason, StateBefore, StateChange,
        TimelinePlace, Verdict,
    },
    stored::{ClientTxn, PduContent, PduStored},
    stub::{MessagesStubbed, PduStub},
};
use super::one_part_fact;
use crate::EntryRef;

/// A stored PDU was placed, later than it was stored or once more. Supersedes earlier placements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PduPlaced {
    /// The `PduStored` entry.
    #[serde(rename = "u")]
    pub pdu: EntryRef,
    /// What was decided.
    #[serde(rename = "p")]
    pub placement: Placement,
}
one_part_fact!(PduPlaced = 17, StateSkeleton, personal: false);

/// A redaction took effect: both events are placed and the redaction is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PduRedacted {
    /// The `PduStored` entry whose content is no longer shown.
    pub target: EntryRef,
    /// The `PduStored` entry of the `m.room.redaction` event.
    pub by: EntryRef,
}
one_part_fact!(PduRedacted = 18, StateSkeleton, personal: false);

/// Stripped state that came with an invite or a knock (client-server API, "stripped state").
///
/// In the stream of the person who is invited or knocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteStateStored {
    /// Room id.
    pub room: String,
    /// JSON of each stripped event.
    pub events: Vec<serde_bytes::ByteBuf>,
}
one_part_fact!(InviteStateStored = 19, InviteState, personal: true);

/// The room entered or left our public directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPublished {
    /// True while it is listed.
    pub public: bool,
}
one_part_fact!(RoomPublished = 20, StateSkeleton, personal: false);

/// An alias of ours points to a room. In the alias's stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasSet {
    /// Room id.
    pub room: String,
    /// User id of the person who set it.
    pub creator: String,
}
one_part_fact!(AliasSet = 24, StateContent, personal: false);

/// The alias points nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasRemoved {}
one_part_fact!(AliasRemoved = 25, StateContent, personal: false);
