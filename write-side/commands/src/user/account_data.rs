//! Account data, tags, push rules and filters.

use decide::user::{self as rules, AccountDataKey, PUSH_RULES, TAGS, push_rules::PushRuleEdit};
use ruma::{RoomId, UserId};
use serde_json::{Map, Value};

use super::{
    UserError,
    own_facts::{own, own_with, own_with_content},
};
use crate::{ViewWait, WriteSide};

/// Sets account data (a JSON object), or removes it with `None`.
pub async fn set_account_data(
    ws: &WriteSide,
    user: &UserId,
    key: &AccountDataKey,
    content: Option<&str>,
) -> Result<(), UserError> {
    own(ws, user, |fold| rules::set_account_data(fold, key, content)).await
}

/// Sets a tag of a room, or removes it with `None`.
pub async fn set_tag(
    ws: &WriteSide,
    user: &UserId,
    room: &RoomId,
    tag: &str,
    info: Option<&Map<String, Value>>,
) -> Result<(), UserError> {
    let key = AccountDataKey::room(room.as_str(), TAGS);
    own_with_content(
        ws,
        user,
        |fold| fold.account_data.get(&key).copied(),
        |fold, current| rules::set_tag(fold, room.as_str(), current, tag, info),
    )
    .await
}

/// Edits the push rules.
pub async fn edit_push_rules(
    ws: &WriteSide,
    user: &UserId,
    edit: &PushRuleEdit,
) -> Result<(), UserError> {
    let key = AccountDataKey::global(PUSH_RULES);
    own_with_content(
        ws,
        user,
        |fold| fold.account_data.get(&key).copied(),
        |fold, current| rules::push_rules::edit_push_rules(fold, user, current, edit.clone()),
    )
    .await
}

/// Stores a filter (a JSON object); answers its id.
pub async fn store_filter(
    ws: &WriteSide,
    user: &UserId,
    filter: &str,
) -> Result<String, UserError> {
    let done = own_with(ws, user, ViewWait::Bounded, |fold| {
        let stored = rules::store_filter(fold, filter)?;
        Ok((stored.facts, stored.filter_id))
    });
    Ok(done.await?.reply)
}
