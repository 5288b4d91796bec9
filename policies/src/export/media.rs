//! Which media an event names.
//!
//! Owns the places where the specification lets an event name content (`url`, `thumbnail_url`,
//! encrypted `file`s, avatars). Only content of the server's own is in an export: of others' there
//! is no proof.

use serde_json::{Map, Value};

/// Media that are looked for in one event, at most.
pub const MEDIA_IN_EVENT_MAX: usize = 16;
/// How deep objects of a content are searched.
const DEPTH_MAX: usize = 6;
/// Members that name media.
const NAMES: [&str; 3] = ["url", "thumbnail_url", "avatar_url"];
/// An id names a file of the export, so it is a plain one.
const ID_BYTES_MAX: usize = 128;

/// Ids of media of `server` that an event's content names, each once, in order of appearance.
pub(crate) fn media_ids_of(content: &Map<String, Value>, server: &str) -> Vec<String> {
    let mut found = Vec::new();
    search(content, &format!("mxc://{server}/"), DEPTH_MAX, &mut found);
    found
}

fn search(object: &Map<String, Value>, prefix: &str, depth: usize, found: &mut Vec<String>) {
    for (name, value) in object {
        match value {
            Value::String(uri) if NAMES.contains(&name.as_str()) => {
                if let Some(id) = uri.strip_prefix(prefix)
                    && is_plain_id(id)
                    && found.len() < MEDIA_IN_EVENT_MAX
                    && !found.iter().any(|known| known == id)
                {
                    found.push(id.to_owned());
                }
            }
            Value::Object(inner) if depth > 0 => search(inner, prefix, depth - 1, found),
            _ => {}
        }
    }
}

/// Whether an id can be a file's name as it is.
pub(crate) fn is_plain_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn media_are_found_where_the_specification_lets_them_stand() {
        let content = json!({
            "url": "mxc://example.org/one",
            "info": { "thumbnail_url": "mxc://example.org/two",
                      "thumbnail_file": { "url": "mxc://example.org/three" } },
            "m.new_content": { "url": "mxc://example.org/one",
                               "file": { "url": "mxc://example.org/../../etc" } },
            "body": "mxc://example.org/not-named", "avatar_url": "mxc://other.org/four",
        });
        let Value::Object(content) = content else { panic!("an object") };
        let mut found = media_ids_of(&content, "example.org");
        found.sort();
        assert_eq!(found, ["one", "three", "two"]);
    }
}
