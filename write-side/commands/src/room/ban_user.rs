//! Banning.

use ruma::{OwnedUserId, RoomId, UserId, events::room::member::MembershipState};

use super::{
    MemberDetails,
    act::{RoomError, Sent},
    member_event::member_event,
};
use crate::WriteSide;

/// `sender` bans `target`, who need not be a member.
pub async fn ban_user(
    write_side: &WriteSide,
    room: &RoomId,
    sender: OwnedUserId,
    target: &UserId,
    details: &MemberDetails,
) -> Result<Sent, RoomError> {
    let ban = member_event(sender, target, &MembershipState::Ban, details);
    write_side.act(room, |_| Ok((&ban).into())).await
}
