//! Kicking: ending somebody else's membership, invite or knock.

use ruma::{OwnedUserId, RoomId, UserId, events::room::member::MembershipState};

use super::{
    MemberDetails, RoomCommandRefusal,
    act::{RoomError, Sent},
    member_event::member_event,
};
use crate::WriteSide;

/// `sender` kicks `target`.
pub async fn kick_user(
    write_side: &WriteSide,
    room: &RoomId,
    sender: OwnedUserId,
    target: &UserId,
    details: &MemberDetails,
) -> Result<Sent, RoomError> {
    let kick = member_event(sender, target, &MembershipState::Leave, details);
    write_side
        .act(room, |fold| match fold.membership(target) {
            MembershipState::Join | MembershipState::Invite | MembershipState::Knock => {
                Ok(kick.clone().into())
            }
            _ => Err(RoomCommandRefusal::WrongMembership {
                user: target.to_owned(),
                expected: "a member, invited or knocking",
            }),
        })
        .await
}
