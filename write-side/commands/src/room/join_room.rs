//! Joining a room that this server is in.
//!
//! Owns gathering what a restricted join asks: membership in other rooms, from the write side's
//! own folds of them (I14). Who vouches, and whether the join is allowed, is decided elsewhere.

use std::collections::HashMap;

use decide::room::{JoinPath, RoomFold, join_path};
use parking_lot::Mutex;
use ruma::{
    CanonicalJsonValue, OwnedRoomId, OwnedUserId, RoomId, UserId,
    events::room::member::MembershipState,
};

use super::{
    MemberDetails, RoomCommandRefusal,
    act::{Intent, RoomError, Sent},
    inputs::Inputs,
    local::{check_local_room, is_local_room},
    member_event::{current_member_event, member_event},
};
use crate::{CommandError, Wish, WriteSide};

/// Conditions of a join rule that are looked at, at most.
const CONDITIONS_MAX: usize = 100;

/// `user` joins. Being in the room already fulfills it.
pub async fn join_room(
    write_side: &WriteSide,
    room: &RoomId,
    user: OwnedUserId,
    details: &MemberDetails,
) -> Result<Sent, RoomError> {
    let wish = Wish::Join { user: &user, room };
    write_side.ask_gate(wish).await?;
    let fold = write_side.room(room).await?;
    check_local_room(&fold, write_side.identity()).map_err(CommandError::Refusal)?;
    let mut join = member_event(user.clone(), &user, &MembershipState::Join, details);
    if let Some(voucher) = authorizer(write_side, &fold, &user).await? {
        let voucher = CanonicalJsonValue::String(voucher.to_string());
        join.content.insert("join_authorised_via_users_server".to_owned(), voucher);
    }
    write_side
        .act(room, |fold| {
            check_local_room(fold, write_side.identity())?;
            match (fold.membership(&user), current_member_event(fold, &user)) {
                (MembershipState::Join, Some(joined)) => Ok(Intent::Fulfilled(joined)),
                _ => Ok(join.clone().into()),
            }
        })
        .await
}

/// The member of this server who vouches for a restricted join; `None` where none is needed.
async fn authorizer(
    write_side: &WriteSide,
    fold: &RoomFold,
    user: &UserId,
) -> Result<Option<OwnedUserId>, RoomError> {
    let mut inputs = Inputs::default();
    let read = ["m.room.create", "m.room.join_rules", "m.room.power_levels"];
    let read = read.map(|event_type| fold.state_entry(event_type, ""));
    let read = read.into_iter().flatten().map(|entry| entry.event_id.clone()).collect();
    inputs.load(write_side, fold.room_id(), read).await?;

    let ours = &write_side.identity().server_name;
    let path = |is_member_of: &dyn Fn(&RoomId) -> Option<bool>| {
        join_path(fold, user, ours, &inputs.known, is_member_of)
            .map_err(|refusal| CommandError::<RoomCommandRefusal>::Refusal(refusal.into()))
    };
    // First to learn which rooms the join rule asks about, then with their answers.
    let asked: Mutex<Vec<OwnedRoomId>> = Mutex::default();
    path(&|room| {
        let mut asked = asked.lock();
        if asked.len() < CONDITIONS_MAX {
            asked.push(room.to_owned());
        }
        None
    })?;
    let mut answers = HashMap::new();
    for room in asked.into_inner() {
        let answer = is_member(write_side, &room, user).await?;
        answers.insert(room, answer);
    }
    match path(&|room| answers.get(room).copied().flatten())? {
        JoinPath::Plain => Ok(None),
        JoinPath::AuthorizedBy(voucher) => Ok(Some(voucher)),
        JoinPath::AskAnotherServer => {
            let met = answers.values().any(|answer| *answer == Some(true));
            Err(CommandError::Refusal(if met {
                RoomCommandRefusal::UnableToGrantJoin
            } else {
                RoomCommandRefusal::UnableToAuthoriseJoin
            }))
        }
    }
}

/// Whether `user` is in a room; `None` where it is none of ours and another server may know.
async fn is_member(
    write_side: &WriteSide,
    room: &RoomId,
    user: &UserId,
) -> Result<Option<bool>, RoomError> {
    match write_side.room(room).await {
        Ok(fold) if is_local_room(&fold, write_side.identity()) => {
            Ok(Some(fold.membership(user) == MembershipState::Join))
        }
        Ok(_) | Err(CommandError::Refusal(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
