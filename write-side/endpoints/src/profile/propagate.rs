//! A new name or avatar in the rooms that a person is in (client-server API, "Events on Change of
//! Profile Information").
//!
//! A crash in between leaves some rooms with the old profile; the next change reaches them too.

use commands::{CommandError, room::send_event};
use decide::room::NewEvent;
use futures_util::{StreamExt as _, stream};
use ruma::{
    CanonicalJsonObject, OwnedUserId, RoomId,
    events::{TimelineEventType, room::member::MembershipState},
};

use crate::{
    WriteEndpoints,
    errors::EndpointError,
    membership::{MEMBER_FIELDS, member_profile},
};

/// Rooms that are told at a time: they share the log's syncs.
const ROOMS_AT_ONCE: usize = 16;

/// Sends a member event with the profile as it is now to every room that the person is in.
pub(super) async fn propagate(
    state: &WriteEndpoints,
    user: &OwnedUserId,
    field: &str,
) -> Result<(), EndpointError> {
    if !MEMBER_FIELDS.contains(&field) {
        return Ok(());
    }
    let profile = member_profile(state, user).await?;
    let joined: Vec<_> = state
        .memberships
        .of(user)
        .into_iter()
        .filter(|(_, membership)| *membership == MembershipState::Join)
        .collect();
    let mut told = Vec::with_capacity(joined.len());
    for (room, _) in joined {
        let (state, user, profile) = (state.clone(), user.clone(), profile.clone());
        told.push(async move { tell(&state, &room, user, profile).await });
    }
    stream::iter(told).buffer_unordered(ROOMS_AT_ONCE).collect::<()>().await;
    Ok(())
}

/// A room that does not take the event (its rules forbid it, the person has just left) keeps the
/// old profile; the others are told all the same.
async fn tell(
    state: &WriteEndpoints,
    room: &RoomId,
    user: OwnedUserId,
    mut content: CanonicalJsonObject,
) {
    // Only a member may be told about; a leave that came meanwhile must not be undone.
    match state.write_side.room(room).await {
        Ok(fold) if fold.membership(&user) == MembershipState::Join => {}
        _ => return,
    }
    content.insert("membership".to_owned(), "join".into());
    let state_key = user.to_string();
    let event = NewEvent::state(user, TimelineEventType::RoomMember, state_key, content);
    match send_event(&state.write_side, room, event).await {
        Ok(_) | Err(CommandError::Refusal(_)) => {}
        Err(error) => tracing::warn!(?error, %room, "a room was not told a new profile"),
    }
}
