//! The member event of a membership command.
//!
//! Owns its content: membership, profile and reason. Whether it is allowed is decided later.

use decide::room::{NewEvent, RoomFold};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, OwnedEventId, OwnedUserId, UserId,
    events::{TimelineEventType, room::member::MembershipState},
};

/// What a person adds to a change of membership.
#[derive(Clone, Debug, Default)]
pub struct MemberDetails {
    /// Why, as the person said it.
    pub reason: Option<String>,
    /// Profile fields of the target (`displayname`, `avatar_url`); kept where the target's
    /// membership ends by others.
    pub profile: CanonicalJsonObject,
    /// True for an invite to a direct chat.
    pub is_direct: bool,
}

/// The event by which `sender` makes `target` a `membership`.
pub(crate) fn member_event(
    sender: OwnedUserId,
    target: &UserId,
    membership: &MembershipState,
    details: &MemberDetails,
) -> NewEvent {
    let mut content = details.profile.clone();
    content.insert("membership".to_owned(), membership.as_str().into());
    if let Some(reason) = &details.reason {
        content.insert("reason".to_owned(), reason.as_str().into());
    }
    if details.is_direct {
        content.insert("is_direct".to_owned(), CanonicalJsonValue::Bool(true));
    }
    NewEvent::state(sender, TimelineEventType::RoomMember, target.as_str(), content)
}

/// The event that gives `user` the current membership.
pub(crate) fn current_member_event(fold: &RoomFold, user: &UserId) -> Option<OwnedEventId> {
    fold.state_entry("m.room.member", user.as_str()).map(|entry| entry.event_id.clone())
}
