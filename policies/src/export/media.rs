//! Which media an event names.
//!
//! Owns the places where clients find content to show (`url`, `thumbnail_url`, encrypted `file`s,
//! avatars, wherever they stand, and pictures in `formatted_body`). All of them count: an event is
//! as large as the specification lets it be, and so is what it names (I10). Only content of the
//! server's own is in an export: of others' there is no proof.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// Members that name media.
const NAMES: [&str; 3] = ["url", "thumbnail_url", "avatar_url"];
/// The member with marked up text, in which pictures are named.
const MARKUP: &str = "formatted_body";
/// An id names a file of the export, so it is a plain one.
const ID_BYTES_MAX: usize = 128;

/// Ids of media of `server` that an event's content names, each once, in order of appearance.
pub(crate) fn media_ids_of(content: &Map<String, Value>, server: &str) -> Vec<String> {
    let mut found = Found { prefix: format!("mxc://{server}/"), ..Found::default() };
    found.search(content);
    found.ids
}

#[derive(Default)]
struct Found {
    prefix: String,
    ids: Vec<String>,
    known: HashSet<String>,
}

impl Found {
    /// Content is nested no deeper than what parsed it allows.
    fn search(&mut self, object: &Map<String, Value>) {
        for (name, value) in object {
            match value {
                Value::String(uri) if NAMES.contains(&name.as_str()) => {
                    if let Some(id) = uri.strip_prefix(&self.prefix) {
                        self.add(id);
                    }
                }
                Value::String(markup) if name == MARKUP => self.search_markup(markup),
                other => self.search_value(other),
            }
        }
    }

    fn search_value(&mut self, value: &Value) {
        match value {
            Value::Object(inner) => self.search(inner),
            Value::Array(items) => items.iter().for_each(|item| self.search_value(item)),
            _ => {}
        }
    }

    fn search_markup(&mut self, markup: &str) {
        let prefix = self.prefix.clone();
        for rest in markup.split(&prefix).skip(1) {
            let end = rest.bytes().position(|byte| !is_plain_byte(byte)).unwrap_or(rest.len());
            self.add(&rest[..end]);
        }
    }

    fn add(&mut self, id: &str) {
        if is_plain_id(id) && self.known.insert(id.to_owned()) {
            self.ids.push(id.to_owned());
        }
    }
}

/// Whether an id can be a file's name as it is.
pub(crate) fn is_plain_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(is_plain_byte)
}

fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
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

    #[test]
    fn none_is_left_out_however_many_they_are_and_wherever_they_stand() {
        let items: Vec<_> =
            (0..40).map(|n| json!({ "url": format!("mxc://example.org/in-{n}") })).collect();
        let mut deep = json!({ "url": "mxc://example.org/deep" });
        for _ in 0..20 {
            deep = json!({ "a": [deep] });
        }
        let markup = "<img src=\"mxc://example.org/shown\"> <a href='mxc://example.org/linked'>x</a> \
                      <img src=mxc://other.org/not> mxc://example.org/";
        let content = json!({ "body": "x", "formatted_body": markup, "itemtypes": items,
            "m.new_content": { "formatted_body": "<img src='mxc://example.org/shown'>" },
            "deep": deep });
        let Value::Object(content) = content else { panic!("an object") };
        let found = media_ids_of(&content, "example.org");
        assert_eq!(found.len(), 43, "{found:?}");
        for id in ["shown", "linked", "deep", "in-0", "in-39"] {
            assert_eq!(found.iter().filter(|known| *known == id).count(), 1, "{id}");
        }
    }
}
