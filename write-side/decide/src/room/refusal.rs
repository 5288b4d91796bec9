//! Why a wish about a room is refused.
//!
//! Typed, for the edge to map to Matrix codes. [`RoomRefusal::MissingInput`] alone is a fault of
//! the caller: load what it names and decide again.

use ruma::{OwnedEventId, RoomVersionId};

/// A typed no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomRefusal {
    /// The room's authorization rules forbid it (`M_FORBIDDEN`).
    #[error("the room's rules do not allow this: {rule}")]
    Forbidden {
        /// The rule.
        rule: String,
    },
    /// The room version is not known or cannot be created (`M_UNSUPPORTED_ROOM_VERSION`).
    #[error("room version {0} is not supported")]
    UnsupportedRoomVersion(RoomVersionId),
    /// The wished initial state makes no usable room (`M_INVALID_ROOM_STATE`).
    #[error("the initial state of the room is not valid: {0}")]
    InvalidRoomState(String),
    /// The event would be larger than 65,535 bytes (`M_TOO_LARGE`).
    #[error("the event is too large")]
    TooLarge,
    /// The event is not one that can be sent (`M_BAD_JSON`).
    #[error("the event is malformed: {0}")]
    Malformed(String),
    /// What is asked cannot be done here (`M_THREEPID_DENIED`).
    #[error("inviting by third-party identifier is not possible here")]
    ThirdPartyInvite,
    /// A PDU that the decision reads was not loaded.
    #[error("event {0} was not loaded")]
    MissingInput(OwnedEventId),
    /// The fold holds no create event yet.
    #[error("the room is not known")]
    UnknownRoom,
}

impl RoomRefusal {
    pub(crate) fn forbidden(rule: impl Into<String>) -> Self {
        Self::Forbidden { rule: rule.into() }
    }
}
