//! Forgetting a room that was left: the person no longer wants to see it.
//!
//! The fact stands in the person's stream; the room's revision is fenced, so that a join that
//! happens meanwhile is never forgotten.

use facts::{Batch, ExpectedRevision, Fact, Routing, fact::RoomForgotten};
use ruma::{OwnedUserId, RoomId, events::room::member::MembershipState};

use super::{
    RoomCommandRefusal,
    act::{RoomError, fold_of},
    fold::RoomActor,
};
use crate::{AppendError, CommandError, DECIDE_TRIES_MAX, Fault, ViewWait, WriteSide};

/// `user` forgets a room that they are not in.
pub async fn forget_room(
    write_side: &WriteSide,
    room: &RoomId,
    user: &OwnedUserId,
) -> Result<(), RoomError> {
    let stream = write_side.known_room(room)?;
    let person = write_side.ensure_user(user)?;
    let forgotten = Fact::from(RoomForgotten { room: room.to_string() });
    let draft =
        forgotten.draft(Routing::own(person)).map_err(|error| Fault::Unfit(error.to_string()))?;
    for _ in 0..DECIDE_TRIES_MAX {
        let guard = write_side.actors::<RoomActor>().lock(stream).await?;
        let is_out = matches!(
            fold_of(&guard)?.membership(user),
            MembershipState::Leave | MembershipState::Ban
        );
        if !is_out {
            return Err(CommandError::Refusal(RoomCommandRefusal::WrongMembership {
                user: user.clone(),
                expected: "out of the room",
            }));
        }
        let batch = Batch {
            drafts: vec![draft.clone()],
            expects: vec![(stream, ExpectedRevision::Exactly(guard.revision()))],
        };
        let appended = write_side.core().append(batch);
        drop(guard);
        match appended {
            Err(AppendError::Moved) => {}
            Err(error) => return Err(error.into()),
            Ok(headers) => {
                let last = headers.last().expect("one draft gives one entry").position;
                return write_side.core().settle(last, ViewWait::Bounded).await;
            }
        }
    }
    Err(CommandError::busy())
}
