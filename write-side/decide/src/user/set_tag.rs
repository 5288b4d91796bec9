//! Tagging a room: an edit of the room's `m.tag` account data.

use serde_json::{Map, Value, json};

use super::{
    AccountDataKey, Decision, TAGS, UserFold, UserRefusal, set_account_data::account_data,
};

/// A room has at most this many tags.
pub const TAGS_MAX: usize = 100;
/// A tag is at most this many bytes (spec, "Room Tagging").
const TAG_BYTES_MAX: usize = 255;

/// Decides a tag; `info` of `None` removes it. `current` is the content of `m.tag` as it stands
/// at `fold.account_data[m.tag of the room]`.
pub fn set_tag(
    fold: &UserFold,
    room: &str,
    current: Option<&str>,
    tag: &str,
    info: Option<&Map<String, Value>>,
) -> Decision {
    if tag.is_empty() || tag.len() > TAG_BYTES_MAX {
        return Err(UserRefusal::InvalidParam("the tag"));
    }
    let mut tags = current
        .and_then(|content| serde_json::from_str::<Value>(content).ok())
        .and_then(|mut content| match content.get_mut("tags").map(Value::take) {
            Some(Value::Object(tags)) => Some(tags),
            _ => None,
        })
        .unwrap_or_default();
    let before = tags.get(tag).cloned();
    let after = info.map(|info| Value::Object(info.clone()));
    if before == after {
        return Ok(Vec::new());
    }
    match after {
        Some(after) => tags.insert(tag.to_owned(), after),
        None => tags.remove(tag),
    };
    if tags.len() > TAGS_MAX {
        return Err(UserRefusal::LimitReached("tags"));
    }
    let content = json!({ "tags": tags }).to_string();
    account_data(fold, &AccountDataKey::room(room, TAGS), Some(&content))
}
