//! Account data in `/sync`, global and of rooms.

use facts::{LogPosition, StreamId};
use projections::query::AccountDataItem;
use ruma::{UserId, push::Ruleset};
use serde_json::{Map, Value, json};

use super::answer::Look;
use crate::fault::ReadFault;

const PUSH_RULES: &str = "m.push_rules";

/// Global data: all of it in a first answer, what was set or removed in an incremental one.
pub(super) fn global(look: &Look<'_>) -> Result<Vec<Value>, ReadFault> {
    let items = match look.since {
        None => look.snapshot.all_account_data(look.asker.user, None)?,
        Some(since) => newest(look.snapshot.account_data_since(look.asker.user, since.position)?)
            .into_iter()
            .filter(|item| item.room.is_none())
            .collect(),
    };
    let has_rules = items.iter().any(|item| item.data_type == PUSH_RULES);
    let mut events: Vec<Value> = items
        .iter()
        .filter(|item| look.asker.filter.wants_global_data(&item.data_type))
        .map(event)
        .collect();
    if look.since.is_none() && !has_rules && look.asker.filter.wants_global_data(PUSH_RULES) {
        events.extend(default_rules(&look.asker.user_id));
    }
    Ok(events)
}

/// The rules of somebody who never changed them.
fn default_rules(user_id: &str) -> Option<Value> {
    let user = <&UserId>::try_from(user_id).ok()?;
    let rules = serde_json::to_value(Ruleset::server_default(user)).ok()?;
    Some(json!({ "type": PUSH_RULES, "content": { "global": rules } }))
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
        Some(since) => newest(look.snapshot.account_data_since(user, since)?)
            .into_iter()
            .filter(|item| item.room == Some(room))
            .collect(),
    };
    Ok(items
        .iter()
        .filter(|item| look.asker.filter.wants_room_data(room_id, &item.data_type))
        .map(event)
        .collect())
}

/// The last value of each type and room.
fn newest(items: Vec<AccountDataItem>) -> Vec<AccountDataItem> {
    let mut newest: Vec<AccountDataItem> = Vec::with_capacity(items.len());
    for item in items {
        newest.retain(|old| old.room != item.room || old.data_type != item.data_type);
        newest.push(item);
    }
    newest
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
