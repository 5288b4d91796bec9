//! Inviting a user of this server.
//!
//! An invite to a user of another server needs that server's signature first; it goes by
//! federation and is refused here.

use ruma::{OwnedUserId, RoomId, UserId, events::room::member::MembershipState};

use super::{
    MemberDetails, RoomCommandRefusal,
    act::{RoomError, Sent},
    invite_block::check_invite,
    member_event::member_event,
};
use crate::{CommandError, Wish, WriteSide};

/// `sender` invites `target`.
pub async fn invite_user(
    write_side: &WriteSide,
    room: &RoomId,
    sender: OwnedUserId,
    target: &UserId,
    details: &MemberDetails,
) -> Result<Sent, RoomError> {
    let wish = Wish::Invite { sender: &sender, target, room };
    write_side.ask_gate(wish).await?;
    if target.server_name() != write_side.identity().server_name {
        let refusal = RoomCommandRefusal::NeedsFederation(target.to_owned());
        return Err(CommandError::Refusal(refusal));
    }
    check_invite(write_side, target).await?;
    let invite = member_event(sender, target, &MembershipState::Invite, details);
    write_side.act(room, |_| Ok((&invite).into())).await
}
