//! Leaving a room, rejecting an invite, taking back a knock.
//!
//! Leaving a room that was left is fulfilled by the event that did it.

use ruma::{OwnedUserId, RoomId, events::room::member::MembershipState};

use super::{
    MemberDetails, RoomCommandRefusal,
    act::{Intent, RoomError, Sent},
    local::{check_local_room, is_empty_room},
    member_event::{current_member_event, member_event},
};
use crate::WriteSide;

/// `user` leaves.
pub async fn leave_room(
    write_side: &WriteSide,
    room: &RoomId,
    user: OwnedUserId,
    details: &MemberDetails,
) -> Result<Sent, RoomError> {
    let leave = member_event(user.clone(), &user, &MembershipState::Leave, details);
    write_side
        .act(room, |fold| {
            match (fold.membership(&user), current_member_event(fold, &user)) {
                (MembershipState::Leave, Some(left)) => return Ok(Intent::Fulfilled(left)),
                (MembershipState::Leave, None) => {
                    return Err(RoomCommandRefusal::WrongMembership {
                        user: user.clone(),
                        expected: "a member, invited or knocking",
                    });
                }
                (MembershipState::Join, _) => {}
                // An invite that outlived everybody who could still be in the room.
                _ if is_empty_room(fold) => {}
                _ => check_local_room(fold, write_side.identity())?,
            }
            Ok(leave.clone().into())
        })
        .await
}
