//! Why a command on a room is refused.

use decide::{alias::AliasRefusal, room::RoomRefusal};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};

/// A typed no to a command on a room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomCommandRefusal {
    /// The room's rules or form forbid it.
    #[error("the room refuses it")]
    Room(#[source] RoomRefusal),
    /// No room of ours has this id (`M_NOT_FOUND`, or a join by federation).
    #[error("room {0} is not known here")]
    UnknownRoom(OwnedRoomId),
    /// No server-local member is left in the room: acting in it goes by federation.
    #[error("room {0} has no member of this server")]
    NotInRoom(OwnedRoomId),
    /// The target is not in the state that the command needs (`M_FORBIDDEN`; `M_BAD_STATE`).
    #[error("user {user} is not {expected}")]
    WrongMembership {
        /// The target.
        user: OwnedUserId,
        /// What the command needs.
        expected: &'static str,
    },
    /// The join needs a server whose members may invite (`M_UNABLE_TO_GRANT_JOIN`).
    #[error("no member of this server can authorize the join")]
    UnableToGrantJoin,
    /// The join rule's conditions cannot be checked here (`M_UNABLE_TO_AUTHORISE_JOIN`).
    #[error("the conditions of the join cannot be checked here")]
    UnableToAuthoriseJoin,
    /// The event does not exist or may not be seen (`M_NOT_FOUND`).
    #[error("event {0} is not known")]
    UnknownEvent(OwnedEventId),
    /// Inviting this user needs their server's signature first.
    #[error("inviting {0} goes by federation")]
    NeedsFederation(OwnedUserId),
    /// The user takes no invites (`M_INVITE_BLOCKED`).
    #[error("user {0} takes no invites")]
    InviteBlocked(OwnedUserId),
    /// The user may not list the room (`M_FORBIDDEN`).
    #[error("the user may not list the room")]
    MayNotPublish,
    /// A room with this id exists.
    #[error("room {0} exists")]
    RoomExists(OwnedRoomId),
    /// The alias cannot be had (`M_ROOM_IN_USE`, `M_EXCLUSIVE`, `M_INVALID_PARAM`).
    #[error("the alias is refused")]
    Alias(#[source] AliasRefusal),
}

impl From<RoomRefusal> for RoomCommandRefusal {
    fn from(refusal: RoomRefusal) -> Self {
        Self::Room(refusal)
    }
}
