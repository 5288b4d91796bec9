//! Wishes about membership, as events.
//!
//! Owns how joining, leaving, inviting, knocking, kicking, banning and unbanning become member
//! events, and who of ours may authorize a restricted join. Whether they are allowed is decided by
//! the room's authorization rules, with the event.

use ruma::{
    CanonicalJsonObject, OwnedUserId, RoomId, ServerName, UserId,
    events::{StateEventType, TimelineEventType, room::member::MembershipState},
    state_res::events::{RoomCreateEvent, RoomPowerLevelsEvent, RoomPowerLevelsIntField},
};
use serde_json::Value;

use super::{fold::RoomFold, new_event::NewEvent, refusal::RoomRefusal};
use crate::pdu::{KnownPdu, PduLookup};

/// A change of membership that somebody wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipWish {
    /// The sender joins.
    Join,
    /// The sender leaves, or rejects an invite, or takes back a knock.
    Leave,
    /// The sender knocks.
    Knock,
    /// The target is invited.
    Invite,
    /// The target is removed, or its invite withdrawn, or its knock rejected.
    Kick,
    /// The target is banned.
    Ban,
    /// The target's ban is lifted.
    Unban,
}

impl MembershipWish {
    fn membership(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave | Self::Kick | Self::Unban => "leave",
            Self::Knock => "knock",
            Self::Invite => "invite",
            Self::Ban => "ban",
        }
    }
}

/// The member event for a wish; `extra` are other keys of its content (profile, reason).
///
/// Refused where the target's current membership makes it another wish than it says: unbanning
/// somebody who is not banned, kicking somebody who is, leaving a room that one is not in.
pub fn member_event(
    fold: &RoomFold,
    wish: MembershipWish,
    sender: OwnedUserId,
    target: &UserId,
    extra: CanonicalJsonObject,
) -> Result<NewEvent, RoomRefusal> {
    let now = fold.membership(target);
    let fits = match wish {
        MembershipWish::Unban => now == MembershipState::Ban,
        MembershipWish::Kick | MembershipWish::Leave => {
            matches!(now, MembershipState::Join | MembershipState::Invite | MembershipState::Knock)
        }
        _ => true,
    };
    if !fits {
        return Err(RoomRefusal::forbidden(format!(
            "the membership is `{now}`, which this does not change"
        )));
    }
    let mut content = extra;
    content.insert("membership".to_owned(), wish.membership().into());
    Ok(NewEvent::state(sender, TimelineEventType::RoomMember, target.as_str(), content))
}

/// How somebody may join a room by its join rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinPath {
    /// Nothing else is needed, or authorization will refuse.
    Plain,
    /// The join must name this user of ours in `join_authorised_via_users_server`.
    AuthorizedBy(OwnedUserId),
    /// Nobody of ours may authorize it: ask a server whose user may.
    AskAnotherServer,
}

/// How `user` may join; `is_member_of` answers for the rooms that the join rule allows
/// (`None`: we are not in that room and cannot tell).
///
/// The create event, join rules and power levels must be loaded.
pub fn join_path(
    fold: &RoomFold,
    user: &UserId,
    server_name: &ServerName,
    lookup: &dyn PduLookup,
    is_member_of: &dyn Fn(&RoomId) -> Option<bool>,
) -> Result<JoinPath, RoomRefusal> {
    let rules = fold.rules().ok_or(RoomRefusal::UnknownRoom)?;
    let already = matches!(fold.membership(user), MembershipState::Join | MembershipState::Invite);
    let Some(join_rules) = state_pdu(fold, lookup, &StateEventType::RoomJoinRules)? else {
        return Ok(JoinPath::Plain);
    };
    let restricted = match join_rules.pdu.content_str("join_rule") {
        Some("restricted") => rules.authorization.restricted_join_rule,
        Some("knock_restricted") => rules.authorization.knock_restricted_join_rule,
        _ => false,
    };
    if already || !restricted {
        return Ok(JoinPath::Plain);
    }
    let answers: Vec<_> =
        allowed_rooms(&join_rules).iter().map(|room| is_member_of(room)).collect();
    if !answers.contains(&Some(true)) {
        return if answers.contains(&None) {
            Ok(JoinPath::AskAnotherServer)
        } else {
            Err(RoomRefusal::forbidden("user is in none of the rooms that the join rule allows"))
        };
    }
    Ok(inviter_of_ours(fold, server_name, lookup)?
        .map_or(JoinPath::AskAnotherServer, JoinPath::AuthorizedBy))
}

/// Rooms whose members the join rule allows.
fn allowed_rooms(join_rules: &KnownPdu) -> Vec<ruma::OwnedRoomId> {
    let content: Value =
        serde_json::from_str(join_rules.pdu.content().get()).unwrap_or(Value::Null);
    content["allow"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|rule| rule["type"] == "m.room_membership")
        .filter_map(|rule| RoomId::parse(rule["room_id"].as_str()?).ok())
        .collect()
}

/// A joined user of ours who may invite.
fn inviter_of_ours(
    fold: &RoomFold,
    server_name: &ServerName,
    lookup: &dyn PduLookup,
) -> Result<Option<OwnedUserId>, RoomRefusal> {
    let rules = fold.rules().ok_or(RoomRefusal::UnknownRoom)?.authorization;
    let create =
        state_pdu(fold, lookup, &StateEventType::RoomCreate)?.ok_or(RoomRefusal::UnknownRoom)?;
    let creators = RoomCreateEvent::new(create).creators(&rules).map_err(RoomRefusal::Malformed)?;
    let levels =
        state_pdu(fold, lookup, &StateEventType::RoomPowerLevels)?.map(RoomPowerLevelsEvent::new);
    let may_invite = |user: &UserId| match &levels {
        // Without power levels everybody may invite.
        None => true,
        Some(_) if rules.explicitly_privilege_room_creators && creators.contains(user) => true,
        Some(levels) => {
            let own = levels.user_power_level(user, &rules);
            let needed = levels.get_as_int_or_default(RoomPowerLevelsIntField::Invite, &rules);
            matches!((own, needed), (Ok(own), Ok(needed)) if own >= needed)
        }
    };
    Ok(fold
        .members()
        .filter(|(user, membership)| {
            *membership == MembershipState::Join && user.server_name() == server_name
        })
        .map(|(user, _)| user)
        .find(|user| may_invite(user)))
}

fn state_pdu(
    fold: &RoomFold,
    lookup: &dyn PduLookup,
    event_type: &StateEventType,
) -> Result<Option<KnownPdu>, RoomRefusal> {
    let Some(entry) = fold.state_entry(&event_type.to_string(), "") else {
        return Ok(None);
    };
    lookup
        .by_id(&entry.event_id)
        .map(Some)
        .ok_or_else(|| RoomRefusal::MissingInput(entry.event_id.clone()))
}
