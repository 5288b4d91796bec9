//! A part of a hold, from names to streams.

use decide::governance::{GovernanceRefusal, HoldRefusal, SCOPE_SUBJECTS_MAX};
use facts::{
    StreamId, Timestamp,
    fact::{Scope, Subject},
};
use ruma::{OwnedRoomId, OwnedUserId};

use crate::{CommandError, FoldStoreFault, WriteSide};

/// A part that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldPartWish {
    /// Custodians; empty for everybody in the rooms.
    pub users: Vec<OwnedUserId>,
    /// Rooms; empty for everywhere.
    pub rooms: Vec<OwnedRoomId>,
    /// What was in force at this time or later.
    pub from: Option<Timestamp>,
    /// What was received before this time.
    pub until: Option<Timestamp>,
}

/// The scopes of these parts; who and what is not known here is refused.
pub(super) fn scopes(
    ws: &WriteSide,
    parts: &[HoldPartWish],
) -> Result<Vec<Scope>, CommandError<HoldRefusal>> {
    let too_large = |part: &HoldPartWish| {
        part.users.len() > SCOPE_SUBJECTS_MAX || part.rooms.len() > SCOPE_SUBJECTS_MAX
    };
    if parts.len() > decide::governance::HOLD_PARTS_MAX {
        return Err(CommandError::Refusal(HoldRefusal::BadParts));
    }
    if parts.iter().any(too_large) {
        return Err(CommandError::Refusal(GovernanceRefusal::ScopeTooLarge.into()));
    }
    parts.iter().map(|part| scope(ws, part)).collect()
}

fn scope(ws: &WriteSide, part: &HoldPartWish) -> Result<Scope, CommandError<HoldRefusal>> {
    let mut scope = Scope { from: part.from, until: part.until, ..Scope::default() };
    for user in &part.users {
        let unknown = GovernanceRefusal::UnknownScopeUser;
        scope.users.push(subject(user.as_str(), ws.user_stream(user), unknown)?);
    }
    for room in &part.rooms {
        let unknown = GovernanceRefusal::UnknownScopeRoom;
        scope.rooms.push(subject(room.as_str(), ws.room_stream(room), unknown)?);
    }
    Ok(scope)
}

fn subject(
    name: &str,
    stream: Result<Option<StreamId>, FoldStoreFault>,
    unknown: impl FnOnce(String) -> GovernanceRefusal,
) -> Result<Subject, CommandError<HoldRefusal>> {
    match stream? {
        Some(stream) => Ok(Subject { name: name.to_owned(), stream }),
        None => Err(CommandError::Refusal(unknown(name.to_owned()).into())),
    }
}
