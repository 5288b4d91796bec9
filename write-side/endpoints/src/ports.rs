//! What the endpoints need of other layers, as traits.
//!
//! Owns the traits; the composition root wires them. Neither decides anything: what a membership
//! is worth is decided on the room's own fold (I14), and a name that is taken is the fold's word.

use http_edge::Session;
use ruma::{OwnedRoomId, RoomAliasId, UserId, events::room::member::MembershipState};

/// In which rooms a person is, as far as it is known. May lag behind.
pub trait Memberships: Send + Sync + 'static {
    /// The rooms in which the person is joined, invited or knocking.
    fn of(&self, user: &UserId) -> Vec<(OwnedRoomId, MembershipState)>;
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
