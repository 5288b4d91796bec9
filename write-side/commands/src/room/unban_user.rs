//! Unbanning.

use ruma::{OwnedUserId, RoomId, UserId, events::room::member::MembershipState};

use super::{
    MemberDetails, RoomCommandRefusal,
    act::{RoomError, Sent},
    member_event::member_event,
};
use crate::WriteSide;

/// `sender` takes back the ban of `target`.
pub async fn unban_user(
    write_side: &WriteSide,
    room: &RoomId,
    sender: OwnedUserId,
    target: &UserId,
    details: &MemberDetails,
) -> Result<Sent, RoomError> {
    let unban = member_event(sender, target, &MembershipState::Leave, details);
    write_side
        .act(room, |fold| {
            if fold.membership(target) == MembershipState::Ban {
                return Ok(unban.clone().into());
            }
            Err(RoomCommandRefusal::WrongMembership { user: target.to_owned(), expected: "banned" })
        })
        .await
}
