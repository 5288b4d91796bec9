//! Account data in `/sync`, global and of rooms.

use facts::{LogPosition, StreamId};
use projections::query::AccountDataItem;
use ruma::UserId;
use serde_json::{Map, Value, json};

use super::answer::Look;
use crate::{fault::ReadFault, push_rules::rules_of};

const PUSH_RULES: &str = "m.push_rules";

/// Global data: all of it in a first answer, what was set or removed in an incremental one.
pub(super) fn global(look: &Look<'_>) -> Result<Vec<Value>, ReadFault> {
    let items = match look.since {
        None => look.snapshot.all_account_data(look.asker.user, None)?,
        Some(_) => changed(look, None),
    };
    let (filter, mut rules) = (&look.asker.filter, look.since.is_none());
    let mut events = Vec::new();
    for item in &items {
        if item.data_type == PUSH_RULES {
            rules = true;
        } else if filter.wants_global_data(&item.data_type) {
            events.push(event(item));
        }
    }
    if rules && filter.wants_global_data(PUSH_RULES) {
        events.extend(push_rules(look)?);
    }
    Ok(events)
}

/// The rules as `/pushrules` has them: the server's own with the user's changes, of which there
/// may be none.
fn push_rules(look: &Look<'_>) -> Result<Option<Value>, ReadFault> {
    let Ok(user_id) = <&UserId>::try_from(look.asker.user_id.as_str()) else { return Ok(None) };
    let rules = rules_of(look.snapshot, look.asker.user, user_id)?;
    Ok(Some(json!({ "type": PUSH_RULES, "content": { "global": rules } })))
}

/// Data of one room.
pub(super) fn of_room(
    look: &Look<'_>,
    room: StreamId,
    room_id: &str,
    known: Option<LogPosition>,
) -> Result<Vec<Value>, ReadFault> {
    let user = look.asker.user;
    let items = match known {
        None => look.snapshot.all_account_data(user, Some(room))?,
        Some(_) => changed(look, Some(room)),
    };
    Ok(items
        .iter()
        .filter(|item| look.asker.filter.wants_room_data(room_id, &item.data_type))
        .map(event)
        .collect())
}

/// What changed since the last answer: the log of changes holds the last one of each type.
fn changed(look: &Look<'_>, room: Option<StreamId>) -> Vec<AccountDataItem> {
    look.data.iter().filter(|item| item.room == room).cloned().collect()
}

/// A removed value is told as an empty one (MSC3391).
fn event(item: &AccountDataItem) -> Value {
    let content = item
        .content
        .as_ref()
        .and_then(|content| serde_json::from_slice(content).ok())
        .unwrap_or_else(|| Value::Object(Map::new()));
    json!({ "type": item.data_type, "content": content })
}
