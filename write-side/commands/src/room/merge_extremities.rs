//! Merging forward extremities that have become many (DESIGN section 5).
//!
//! A member of this server who may send does it, by an event that clients do not show.

use decide::room::NewEvent;
use ruma::{
    CanonicalJsonObject, OwnedUserId, RoomId, events::TimelineEventType,
    events::room::member::MembershipState,
};

use super::{
    act::{RoomError, Sent},
    send_event::send_event,
};
use crate::{CommandError, WriteSide};

/// Type of the merging event; the one that other servers send for this too.
const MERGE_EVENT_TYPE: &str = "org.matrix.dummy_event";
/// Members who are tried, at most.
const MEMBERS_TRIED_MAX: usize = 10;

/// Sends a merge event if the room has too many extremities; `None` where it has not, or where no
/// member of ours may send.
pub async fn merge_extremities(
    write_side: &WriteSide,
    room: &RoomId,
) -> Result<Option<Sent>, RoomError> {
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
        let event_type = TimelineEventType::from(MERGE_EVENT_TYPE);
        let merge = NewEvent::message(member, event_type, CanonicalJsonObject::new());
        match send_event(write_side, room, merge).await {
            Ok(sent) => return Ok(Some(sent)),
            // This one may not; perhaps the next.
            Err(CommandError::Refusal(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
