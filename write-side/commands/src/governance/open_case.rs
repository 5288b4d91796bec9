//! Opening a case.

use decide::governance::{self as rules, GovernanceRefusal, OpenCase, SCOPE_SUBJECTS_MAX};
use facts::{
    LogPosition, StreamId, Timestamp,
    fact::{Scope, Subject},
};
use ruma::{OwnedRoomId, OwnedUserId};

use super::{Actor, GovernanceError, decide_as, governance, was_member};
use crate::{CommandError, FoldStoreFault, WriteSide};

/// A case that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseWish {
    /// Persons; empty for everybody in the rooms.
    pub users: Vec<OwnedUserId>,
    /// Rooms; empty for everywhere.
    pub rooms: Vec<OwnedRoomId>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded before this time.
    pub until: Option<Timestamp>,
    /// When the case ends.
    pub expires_at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Asks for a case; gives its number. Whoever asks was in none of its rooms in its time.
pub async fn open_case(
    ws: &WriteSide,
    actor: &Actor,
    wish: &CaseWish,
) -> Result<LogPosition, GovernanceError> {
    // Who is no officer does not learn which rooms and persons exist.
    governance(ws, |fold| fold.roles.require_officer(actor.user.as_str()))
        .await?
        .map_err(CommandError::Refusal)?;
    let scope = scope_of(ws, wish)?;
    rules::check_scope(&scope).map_err(CommandError::Refusal)?;
    let member_of_scope = was_member(ws, &scope, &actor.user).await?;
    let wished = OpenCase { scope, expires_at: wish.expires_at, member_of_scope };
    let (act, now) = (actor.act(&wish.reason), ws.now());
    let decide =
        |fold: &rules::GovernanceFold| rules::open_case(fold, wished.clone(), act.clone(), now);
    decide_as(ws, &actor.user, decide).await
}

fn scope_of(ws: &WriteSide, wish: &CaseWish) -> Result<Scope, GovernanceError> {
    if wish.users.len() > SCOPE_SUBJECTS_MAX || wish.rooms.len() > SCOPE_SUBJECTS_MAX {
        return Err(CommandError::Refusal(GovernanceRefusal::ScopeTooLarge));
    }
    let (users, rooms) = (wish.users.iter(), wish.rooms.iter());
    Ok(Scope {
        users: users
            .map(|user| {
                let unknown = GovernanceRefusal::UnknownScopeUser;
                subject(user.as_str(), ws.user_stream(user), unknown)
            })
            .collect::<Result<_, _>>()?,
        rooms: rooms
            .map(|room| {
                let unknown = GovernanceRefusal::UnknownScopeRoom;
                subject(room.as_str(), ws.room_stream(room), unknown)
            })
            .collect::<Result<_, _>>()?,
        from: wish.from,
        until: wish.until,
    })
}

fn subject(
    name: &str,
    stream: Result<Option<StreamId>, FoldStoreFault>,
    unknown: impl FnOnce(String) -> GovernanceRefusal,
) -> Result<Subject, GovernanceError> {
    match stream? {
        Some(stream) => Ok(Subject { name: name.to_owned(), stream }),
        None => Err(CommandError::Refusal(unknown(name.to_owned()))),
    }
}
