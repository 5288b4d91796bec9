//! `event_fields` of filters: which fields of an event a client wants.
//!
//! Owns the paths (Matrix appendices, "Dot-separated property paths"): a backslash takes the
//! meaning of a dot or a backslash away.

use serde_json::{Map, Value};

/// Fields that a filter names, at most; what is beyond is left out.
const FIELDS_MAX: usize = 200;

/// The event with the named fields alone. The event id stays always, for clients know events by
/// it; the specification lets a server include more than was asked for.
pub(super) fn only_fields(event: &Value, fields: &[String]) -> Value {
    let mut out = Map::new();
    if let Some(event_id) = event.get("event_id") {
        out.insert("event_id".to_owned(), event_id.clone());
    }
    for field in fields.iter().take(FIELDS_MAX) {
        copy(event, &steps(field), &mut out);
    }
    Value::Object(out)
}

fn steps(path: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut characters = path.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = character == '\\' && matches!(characters.peek(), Some('.' | '\\'));
        if character == '.' {
            steps.push(String::new());
        } else if let Some(step) = steps.last_mut() {
            step.push(if escaped { characters.next().unwrap_or_default() } else { character });
        }
    }
    steps
}

fn copy(from: &Value, steps: &[String], into: &mut Map<String, Value>) {
    let Some((first, rest)) = steps.split_first() else { return };
    let Some(value) = from.get(first) else { return };
    if rest.is_empty() {
        into.insert(first.clone(), value.clone());
        return;
    }
    // Only an object has fields; what a shorter path took whole stays as it is.
    if value.is_object()
        && let Value::Object(inner) =
            into.entry(first.as_str()).or_insert_with(|| Value::Object(Map::new()))
    {
        copy(value, rest, inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_kept_by_path() {
        let event = json!({
            "event_id": "$1", "type": "t", "sender": "@a:b",
            "content": {"body": "b", "msgtype": "m", "a.b": {"c\\d": 1}, "deep": {"x": 1, "y": 2}},
        });
        for (fields, expected) in [
            (vec![], json!({})),
            (vec!["type", "absent", "type.inner"], json!({"type": "t"})),
            (
                vec!["content.body", "content.deep.x"],
                json!({"content": {"body": "b", "deep": {"x": 1}}}),
            ),
            (vec!["content.absent"], json!({"content": {}})),
            (vec![r"content.a\.b.c\\d"], json!({"content": {"a.b": {"c\\d": 1}}})),
            (vec!["content.deep.x", "content"], json!({"content": event["content"]})),
        ] {
            let fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
            let mut expected = expected;
            expected["event_id"] = json!("$1");
            assert_eq!(only_fields(&event, &fields), expected, "{fields:?}");
        }
    }
}
