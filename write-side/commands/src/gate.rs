//! Gates: where a policy of the organization may forbid a command before it is decided.
//!
//! Owns the trait and the wishes that pass it. Without policies everything is allowed. A gate
//! sees who wants what, never the room's state: what needs state is a rule of `decide`.

use ruma::{RoomId, UserId};

use crate::journal::PortFuture;

/// What somebody wants, as far as a policy may care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish<'a> {
    /// Create a room.
    CreateRoom {
        /// Who.
        creator: &'a UserId,
        /// Who is invited with it.
        invitees: &'a [ruma::OwnedUserId],
    },
    /// Become a member.
    Join {
        /// Who.
        user: &'a UserId,
        /// Which room.
        room: &'a RoomId,
    },
    /// Ask to become a member.
    Knock {
        /// Who.
        user: &'a UserId,
        /// Which room.
        room: &'a RoomId,
    },
    /// Invite somebody.
    Invite {
        /// Who invites.
        sender: &'a UserId,
        /// Who is invited.
        target: &'a UserId,
        /// To which room.
        room: &'a RoomId,
    },
    /// Send an event.
    Send {
        /// Who.
        sender: &'a UserId,
        /// To which room.
        room: &'a RoomId,
        /// Type of the event.
        event_type: &'a str,
    },
    /// List a room in the public directory.
    Publish {
        /// Who.
        user: &'a UserId,
        /// Which room.
        room: &'a RoomId,
    },
}

/// A policy said no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("policy {policy} forbids it")]
pub struct GateRefusal {
    /// Name of the policy, for operators.
    pub policy: &'static str,
    /// What the client is told.
    pub message: String,
}

/// Asked before a command is decided.
pub trait Gate: Send + Sync {
    /// Allows or forbids.
    fn check<'a>(&'a self, wish: Wish<'a>) -> PortFuture<'a, Result<(), GateRefusal>>;
}

/// Allows everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Gate for AllowAll {
    fn check<'a>(&'a self, _wish: Wish<'a>) -> PortFuture<'a, Result<(), GateRefusal>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
