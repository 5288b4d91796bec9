//! Knocking on a room of ours.

use ruma::{OwnedUserId, RoomId, events::room::member::MembershipState};

use super::{
    MemberDetails,
    act::{RoomError, Sent},
    local::check_local_room,
    member_event::member_event,
};
use crate::{Wish, WriteSide};

/// `user` knocks.
pub async fn knock_room(
    write_side: &WriteSide,
    room: &RoomId,
    user: OwnedUserId,
    details: &MemberDetails,
) -> Result<Sent, RoomError> {
    let wish = Wish::Knock { user: &user, room };
    write_side.ask_gate(wish).await?;
    let knock = member_event(user.clone(), &user, &MembershipState::Knock, details);
    write_side
        .act(room, |fold| {
            check_local_room(fold, write_side.identity())?;
            Ok(knock.clone().into())
        })
        .await
}
