//! Device lists and key counts in `/sync`.

use serde_json::{Map, Value, json};

use super::answer::Look;
use crate::fault::ReadFault;

/// Whose devices changed since then; `None` in a first answer, after which clients ask for all.
pub(super) fn section(look: &Look<'_>) -> Result<Option<Value>, ReadFault> {
    let Some(since) = look.since else { return Ok(None) };
    let (snapshot, user) = (look.snapshot, look.asker.user);
    let moved: Vec<_> = look.moved.iter().map(|member| member.room).collect();
    let changes = snapshot.device_list_changes(user, &moved, since.position)?;
    let mut lists = json!({ "changed": [], "left": [] });
    for (key, users) in [("changed", changes.changed), ("left", changes.left)] {
        let mut names = Vec::with_capacity(users.len());
        for user in users {
            names.extend(snapshot.name(user)?.map(Value::from));
        }
        lists[key] = Value::Array(names);
    }
    Ok(Some(lists))
}

/// True if any list names anybody.
pub(super) fn is_news(lists: &Value) -> bool {
    ["changed", "left"].iter().any(|key| lists[*key].as_array().is_some_and(|l| !l.is_empty()))
}

/// One-time keys left by algorithm, and algorithms with an unused fallback key.
pub(super) fn key_counts(look: &Look<'_>) -> Result<(Value, Value), ReadFault> {
    let Some(device_id) = &look.asker.device_id else { return Ok((json!({}), json!([]))) };
    let counts: Map<String, Value> = look
        .snapshot
        .one_time_key_counts(look.asker.user, device_id)?
        .into_iter()
        .map(|(algorithm, count)| (algorithm, Value::from(count)))
        .collect();
    let counts = if counts.is_empty() { json!({ "signed_curve25519": 0 }) } else { json!(counts) };
    let fallback = look.snapshot.unused_fallback_types(look.asker.user, device_id)?;
    Ok((counts, json!(fallback)))
}
