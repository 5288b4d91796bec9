//! Who was in a room, and when: conflicts of interest.
//!
//! Owns the walk back through a person's member events, by the changes of state that their
//! placements made; the room's fold knows the present alone. In doubt (a change that another
//! event's placement made, a destroyed entry, too many changes) the answer is that the person was
//! there. A member event alone is no conflict, or a room could keep officers away by banning them.
//! Invariants: I10, I14.

use decide::{governance::GovernanceRefusal, room::RoomFold};
use facts::{
    EntryHeader, Fact, LogPosition, Timestamp,
    fact::{Placement, Scope},
};
use ruma::{RoomId, UserId, events::room::member::MembershipState};

use super::GovernanceError;
use crate::{CommandError, Fault, WriteSide};

/// Member events of one person in one room that are looked at.
pub const MEMBERSHIPS_WALKED_MAX: usize = 1_000;

const MEMBER: &str = "m.room.member";

/// Whether a person is joined to one of a scope's rooms now, or was at some time of the scope.
pub async fn was_member(
    ws: &WriteSide,
    scope: &Scope,
    user: &UserId,
) -> Result<bool, GovernanceError> {
    for room in &scope.rooms {
        let Ok(room) = RoomId::parse(room.name.as_str()) else { continue };
        let fold = match ws.room(&room).await {
            Ok(fold) => fold,
            // Not a room any more: nobody is in it.
            Err(CommandError::Refusal(_)) => continue,
            Err(error) => {
                let unknown = GovernanceRefusal::UnknownScopeRoom;
                return Err(error.map_refusal(|_| unknown(room.to_string())));
            }
        };
        if was_in(ws, &fold, user, scope).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn was_in(
    ws: &WriteSide,
    fold: &RoomFold,
    user: &UserId,
    scope: &Scope,
) -> Result<bool, Fault> {
    if fold.membership(user) == MembershipState::Join {
        return Ok(true);
    }
    let Some(latest) = fold.state_entry(MEMBER, user.as_str()) else { return Ok(false) };
    let (from, until) =
        (scope.from.unwrap_or(Timestamp(0)), scope.until.unwrap_or(Timestamp(u64::MAX)));
    let mut at = latest.position;
    let mut ended = Timestamp(u64::MAX);
    for _ in 0..MEMBERSHIPS_WALKED_MAX {
        let Some(change) = change_of(ws, at, user).await? else { return Ok(true) };
        let membership = fold.index().at(at).and_then(|event| event.membership.as_deref());
        if membership == Some("join") && change.at < until && ended > from {
            return Ok(true);
        }
        // What was before this began ends before the scope does.
        if change.at <= from {
            return Ok(false);
        }
        let Some(before) = change.before else { return Ok(false) };
        (at, ended) = (before, change.at);
    }
    Ok(true)
}

/// How a member event became the current one.
struct Change {
    at: Timestamp,
    before: Option<LogPosition>,
}

/// `None` where the event's own placement does not say.
async fn change_of(
    ws: &WriteSide,
    event: LogPosition,
    user: &UserId,
) -> Result<Option<Change>, Fault> {
    let Some((header, Fact::PduStored(stored))) = ws.read_entry(event).await? else {
        return Ok(None);
    };
    if let Some(placement) = &stored.placement
        && let Some(change) = change_in(&header, placement, event, user)
    {
        return Ok(Some(change));
    }
    let Some(placed) = ws.core().placement(event)? else { return Ok(None) };
    let Some((header, Fact::PduPlaced(placed))) = ws.read_entry(placed).await? else {
        return Ok(None);
    };
    Ok(change_in(&header, &placed.placement, event, user))
}

fn change_in(
    header: &EntryHeader,
    placement: &Placement,
    event: LogPosition,
    user: &UserId,
) -> Option<Change> {
    let change = placement.changes.iter().find(|change| {
        change.0 == MEMBER
            && change.1 == user.as_str()
            && change.3.is_some_and(|new| new.resolve(header.batch) == event)
    })?;
    let before = change.2.map(|old| old.resolve(header.batch));
    Some(Change { at: header.recorded_at, before })
}
