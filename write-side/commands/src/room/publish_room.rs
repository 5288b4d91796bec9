//! Listing a room in this server's directory, or taking it off.
//!
//! A member with the power to set the room's canonical alias may, and a server administrator.

use decide::room::RoomFact;
use facts::fact::RoomPublished;
use ruma::{OwnedUserId, RoomId, events::TimelineEventType, events::room::member::MembershipState};

use super::{
    RoomCommandRefusal, act::RoomError, drafts::room_drafts, fold::RoomActor, powers::Powers,
};
use crate::{CommandError, Decision, Wish, WriteSide};

/// `user` lists the room, or takes it off.
pub async fn publish_room(
    write_side: &WriteSide,
    room: &RoomId,
    user: OwnedUserId,
    is_server_admin: bool,
    public: bool,
) -> Result<(), RoomError> {
    if public {
        let wish = Wish::Publish { user: &user, room };
        write_side.ask_gate(wish).await?;
    }
    let stream = write_side.known_room(room)?;
    let fold = write_side.room(room).await?;
    if !is_server_admin {
        let powers = Powers::load(write_side, &fold).await?;
        let may = fold.membership(&user) == MembershipState::Join
            && powers.may_send_state(&user, &TimelineEventType::RoomCanonicalAlias);
        if !may {
            return Err(CommandError::Refusal(RoomCommandRefusal::MayNotPublish));
        }
    }
    let fact = RoomFact { fact: RoomPublished { public }.into(), actor: Some(user), person: None };
    let drafts = room_drafts(write_side, stream.into(), &[fact])?;
    write_side
        .actors::<RoomActor>()
        .execute(stream, |actor| {
            let is_so = actor.room().is_some_and(|fold| fold.is_published() == public);
            Ok(Decision { drafts: if is_so { Vec::new() } else { drafts.clone() }, reply: () })
        })
        .await?;
    Ok(())
}
