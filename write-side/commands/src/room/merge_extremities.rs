//! Merging forward extremities that have become many (DESIGN section 5).
//!
//! A member of this server who may send does it, by an event that clients do not show.

use decide::room::{NewEvent, RoomFold};
use ruma::{
    CanonicalJsonObject, OwnedUserId, RoomId, events::TimelineEventType,
    events::room::member::MembershipState,
};

use super::act::{Intent, RoomError, Sent};
use crate::{CommandError, Wish, WriteSide};

/// Type of the merging event; the one that other servers send for this too.
const MERGE_EVENT_TYPE: &str = "org.matrix.dummy_event";
/// Members who are tried, at most.
const MEMBERS_TRIED_MAX: usize = 10;
/// Merge events at once, at most; each takes nine extremities away.
const MERGES_MAX: usize = 20;

/// Merges until the room has no more extremities than an event follows; gives the last merge
/// event, `None` where there was nothing to merge or no member of ours may send.
pub async fn merge_extremities(
    write_side: &WriteSide,
    room: &RoomId,
) -> Result<Option<Sent>, RoomError> {
    let mut last = None;
    for _ in 0..MERGES_MAX {
        let Some(sent) = merge_once(write_side, room).await? else { break };
        last = Some(sent);
    }
    Ok(last)
}

async fn merge_once(write_side: &WriteSide, room: &RoomId) -> Result<Option<Sent>, RoomError> {
    let fold = write_side.room(room).await?;
    if !fold.wants_merge() {
        return Ok(None);
    }
    let ours = &write_side.identity().server_name;
    let members: Vec<OwnedUserId> = fold
        .members()
        .filter(|(user, membership)| {
            *membership == MembershipState::Join && user.server_name() == ours
        })
        .map(|(user, _)| user)
        .take(MEMBERS_TRIED_MAX)
        .collect();
    for member in members {
        match merge_by(write_side, room, member).await {
            Ok(sent) => return Ok(sent.is_new.then_some(sent)),
            // This one may not; perhaps the next.
            Err(CommandError::Refusal(_) | CommandError::Gate(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Several may find that the room wants it; the first one's event is enough.
async fn merge_by(
    write_side: &WriteSide,
    room: &RoomId,
    member: OwnedUserId,
) -> Result<Sent, RoomError> {
    let wish = Wish::Send { sender: &member, room, event_type: MERGE_EVENT_TYPE };
    write_side.ask_gate(wish).await?;
    let event_type = TimelineEventType::from(MERGE_EVENT_TYPE);
    let merge = NewEvent::message(member, event_type, CanonicalJsonObject::new());
    let intent = |fold: &RoomFold| match fold.tips().last() {
        Some(tip) if !fold.wants_merge() => Ok(Intent::Fulfilled(tip.event_id.clone())),
        _ => Ok(merge.clone().into()),
    };
    write_side.act(room, intent).await
}
