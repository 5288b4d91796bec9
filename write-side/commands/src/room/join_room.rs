//! Joining a room that this server is in.
//!
//! Owns finding who authorizes a restricted join: the conditions are checked on the write side's
//! own folds of the named rooms (I14), and a member of this server who may invite vouches.
//! Whether the join is allowed is decided by the room's rules alone.

use decide::room::RoomFold;
use ruma::{
    CanonicalJsonValue, OwnedUserId, RoomId, UserId, events::room::member::MembershipState,
};

use super::{
    MemberDetails, RoomCommandRefusal,
    act::{Intent, RoomError, Sent},
    local::check_local_room,
    member_event::{current_member_event, member_event},
    powers::Powers,
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
        join.content
            .insert("join_authorised_via_users_server".to_owned(), voucher);
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

/// The member of this server who vouches for a restricted join; `None` where none is needed or
/// no condition is met.
async fn authorizer(
    write_side: &WriteSide,
    fold: &RoomFold,
    user: &UserId,
) -> Result<Option<OwnedUserId>, RoomError> {
    let knows_restricted = fold
        .rules()
        .is_some_and(|rules| rules.authorization.restricted_join_rule);
    let is_expected = matches!(
        fold.membership(user),
        MembershipState::Join | MembershipState::Invite | MembershipState::Ban
    );
    if !knows_restricted || is_expected {
        return Ok(None);
    }
    match meets_condition(write_side, fold, user).await? {
        Condition::Met => {}
        Condition::NotMet => return Ok(None),
        Condition::Unknown => {
            let refusal = RoomCommandRefusal::UnableToAuthoriseJoin;
            return Err(CommandError::Refusal(refusal));
        }
    }
    let powers = Powers::load(write_side, fold).await?;
    let ours = &write_side.identity().server_name;
    let voucher = fold
        .members()
        .filter(|(member, membership)| {
            *membership == MembershipState::Join && member.server_name() == ours
        })
        .map(|(member, _)| member)
        .find(|member| powers.may_invite(member));
    match voucher {
        Some(voucher) => Ok(Some(voucher)),
        None => Err(CommandError::Refusal(
            RoomCommandRefusal::UnableToGrantJoin,
        )),
    }
}

enum Condition {
    Met,
    NotMet,
    /// A named room is none of ours: another server may know.
    Unknown,
}

async fn meets_condition(
    write_side: &WriteSide,
    fold: &RoomFold,
    user: &UserId,
) -> Result<Condition, RoomError> {
    let Some(rooms) = allowing_rooms(write_side, fold).await? else {
        return Ok(Condition::NotMet);
    };
    let mut unknown = false;
    for room in rooms.into_iter().take(CONDITIONS_MAX) {
        match write_side.room(&room).await {
            Ok(other) if other.membership(user) == MembershipState::Join => {
                return Ok(Condition::Met);
            }
            Ok(other) => unknown |= check_local_room(&other, write_side.identity()).is_err(),
            Err(CommandError::Refusal(_)) => unknown = true,
            Err(error) => return Err(error),
        }
    }
    Ok(if unknown {
        Condition::Unknown
    } else {
        Condition::NotMet
    })
}

/// The rooms whose members may join; `None` where the join rule is not restricted.
async fn allowing_rooms(
    write_side: &WriteSide,
    fold: &RoomFold,
) -> Result<Option<Vec<ruma::OwnedRoomId>>, RoomError> {
    let Some(entry) = fold.state_entry("m.room.join_rules", "") else {
        return Ok(None);
    };
    let Some(rule) = write_side.pdu(fold.room_id(), &entry.event_id).await? else {
        return Ok(None);
    };
    if !matches!(
        rule.pdu.content_str("join_rule"),
        Some("restricted" | "knock_restricted")
    ) {
        return Ok(None);
    }
    let allow = rule
        .pdu
        .content_object()
        .and_then(|content| content.get("allow"))
        .and_then(CanonicalJsonValue::as_array)
        .unwrap_or_default();
    let rooms = allow
        .iter()
        .filter_map(CanonicalJsonValue::as_object)
        .filter(|condition| {
            condition.get("type").and_then(CanonicalJsonValue::as_str) == Some("m.room_membership")
        })
        .filter_map(|condition| condition.get("room_id")?.as_str())
        .filter_map(|room| RoomId::parse(room).ok())
        .collect();
    Ok(Some(rooms))
}
