//! What `m.room.canonical_alias` of a room still says when aliases point to it no more.
//!
//! Owns which of them a content names. Best effort: an alias is gone also where nobody may tell
//! the room.

use decide::room::NewEvent;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, OwnedRoomAliasId, OwnedUserId, RoomId,
    events::TimelineEventType,
};

use super::{
    act::{Intent, RoomError},
    state_content::state_content,
};
use crate::{Wish, WriteSide};

const CANONICAL_ALIAS: &str = "m.room.canonical_alias";
/// The event is read and written again at most this often when somebody else changes it.
const TRIES_MAX: usize = 4;

/// `user` takes aliases out of the room's event, if it names them.
pub(crate) async fn forget_aliases(
    write_side: &WriteSide,
    room: &RoomId,
    user: &OwnedUserId,
    gone: &[OwnedRoomAliasId],
) -> Result<(), RoomError> {
    for _ in 0..TRIES_MAX {
        let fold = write_side.room(room).await?;
        let Some(old) = state_content(write_side, &fold, CANONICAL_ALIAS).await? else {
            return Ok(());
        };
        let content = without(&old, gone);
        if content == old {
            return Ok(());
        }
        let wish = Wish::Send { sender: user, room, event_type: CANONICAL_ALIAS };
        write_side.ask_gate(wish).await?;
        let seen = fold.state_entry(CANONICAL_ALIAS, "").cloned();
        let event =
            NewEvent::state(user.clone(), TimelineEventType::RoomCanonicalAlias, "", content);
        let sent = write_side
            .act(room, |fold| match (fold.state_entry(CANONICAL_ALIAS, ""), &seen) {
                (Some(now), Some(seen)) if now != seen => {
                    Ok(Intent::Fulfilled(now.event_id.clone()))
                }
                _ => Ok(event.clone().into()),
            })
            .await?;
        if sent.is_new {
            return Ok(());
        }
    }
    Err(RoomError::busy())
}

/// The content without `gone`.
fn without(content: &CanonicalJsonObject, gone: &[OwnedRoomAliasId]) -> CanonicalJsonObject {
    filtered(content, |alias| !gone.iter().any(|gone| gone == alias))
}

/// The content with nothing but `moved`; `None` where it names none of them.
pub(crate) fn only(
    content: &CanonicalJsonObject,
    moved: &[OwnedRoomAliasId],
) -> Option<CanonicalJsonObject> {
    let only = filtered(content, |alias| moved.iter().any(|moved| moved == alias));
    let names_one = only.contains_key("alias") || only.contains_key("alt_aliases");
    names_one.then_some(only)
}

fn filtered(content: &CanonicalJsonObject, stays: impl Fn(&str) -> bool) -> CanonicalJsonObject {
    let mut content = content.clone();
    let stays = |alias: &CanonicalJsonValue| alias.as_str().is_some_and(&stays);
    if content.get("alias").is_some_and(|alias| !stays(alias)) {
        content.remove("alias");
    }
    if let Some(CanonicalJsonValue::Array(others)) = content.get_mut("alt_aliases") {
        others.retain(stays);
        if others.is_empty() {
            content.remove("alt_aliases");
        }
    }
    content
}
