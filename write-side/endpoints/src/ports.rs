//! What the endpoints need of other layers, as traits.
//!
//! Owns the traits; the composition root wires them. Neither decides anything: what a membership
//! is worth is decided on the room's own fold (I14), and a name that is taken is the fold's word.

use facts::StreamId;
use http_edge::Session;
use ruma::{
    OwnedRoomAliasId, OwnedRoomId, RoomAliasId, RoomId, UserId,
    events::room::member::MembershipState,
};

/// In which rooms a person is, as far as it is known. May lag behind.
pub trait Memberships: Send + Sync + 'static {
    /// The rooms in which the person is joined, invited or knocking.
    fn of(&self, user: &UserId) -> Vec<(OwnedRoomId, MembershipState)>;
}

/// Which aliases of this server point to a room, as far as it is known. May lag behind; what moves
/// or names an alias asks the alias itself.
pub trait RoomAliases: Send + Sync + 'static {
    /// The aliases.
    fn of(&self, room: &RoomId) -> Vec<OwnedRoomAliasId>;
}

/// Whose a media id of this server is, as far as it is known. May lag behind; it only tells one
/// refusal from another: who may fill a media id is decided on that person's own fold.
pub trait MediaIds: Send + Sync + 'static {
    /// Who reserved or filled it; `None` for one that nobody did.
    fn find(&self, media_id: &str) -> Option<MediaId>;
}

/// A media id that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaId {
    /// Stream of the person whom it was given to.
    pub owner: StreamId,
    /// True once content was uploaded.
    pub has_content: bool,
}

/// Names that application services reserve for themselves.
pub trait Namespaces: Send + Sync + 'static {
    /// Whether a user id is reserved by another application service than `session`'s.
    fn reserves_user(&self, user: &UserId, session: Option<&Session>) -> bool;

    /// Whether an alias is reserved by another application service than `session`'s.
    fn reserves_alias(&self, alias: &RoomAliasId, session: Option<&Session>) -> bool;

    /// Whether the application service of `session` may act as this user.
    fn owns_user(&self, user: &UserId, session: &Session) -> bool;
}

/// No application service is registered.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNamespaces;

impl Namespaces for NoNamespaces {
    fn reserves_user(&self, _user: &UserId, _session: Option<&Session>) -> bool {
        false
    }

    fn reserves_alias(&self, _alias: &RoomAliasId, _session: Option<&Session>) -> bool {
        false
    }

    fn owns_user(&self, _user: &UserId, _session: &Session) -> bool {
        false
    }
}
