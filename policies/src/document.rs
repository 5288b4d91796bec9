//! A policy document, from its text.
//!
//! Owns the reader: TOML to `PolicyDocument`, every problem with its line and column, unknown keys
//! with the nearest known name. Keeps no truth: what is applied is a fact, and what a document
//! means is `decide::policy`.

mod nearest;
mod problem;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use decide::policy::{DOCUMENT_BYTES_MAX, FaultPlace, check_document};
use facts::fact::{PolicyDocument, PolicyRule, RedactionRule, RoomRetentionRule};
use toml::de::DeTable;

pub use self::problem::{PROBLEMS_MAX, Problem};
use self::{
    problem::Places,
    reader::{Reader, Table},
};

const SECTIONS: &[&str] = &["policy", "redaction", "room_retention"];
const POLICY_KEYS: &[&str] =
    &["records", "rooms", "users", "keep_at_least", "keep_at_most", "locked", "reason"];
const REDACTION_KEYS: &[&str] = &["keep", "locked"];
const ROOM_RETENTION_KEYS: &[&str] = &["shortest"];

/// Reads a document; everything that is wrong with it otherwise, in order of the text.
pub fn read_document(text: &str) -> Result<PolicyDocument, Vec<Problem>> {
    let places = Places::new(text);
    if text.len() > DOCUMENT_BYTES_MAX {
        let message =
            format!("the document has {} bytes; at most {DOCUMENT_BYTES_MAX}", text.len());
        return Err(vec![places.problem(0, "", message)]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let problem = |error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            places.problem(at, "", error.message().to_owned())
        };
        return Err(errors.into_iter().take(PROBLEMS_MAX).map(problem).collect());
    }
    let mut reader = Reader::default();
    let (document, starts) = document(&mut reader, root.get_ref());
    if reader.problems.is_empty() {
        // What an unknown key was meant to be decides whether the rest is right.
        for fault in check_document(&document) {
            let (name, key) = match &fault.place {
                FaultPlace::Document => ("", ""),
                FaultPlace::Policy(name) => (name.as_str(), ""),
                FaultPlace::Key(name, key) => (name.as_str(), *key),
            };
            let at = starts.get(&(name.to_owned(), key)).or(starts.get(&(name.to_owned(), "")));
            let path = match (name, key) {
                ("", _) => String::new(),
                (name, "") => format!("policy.{name}"),
                (name, key) => format!("policy.{name}.{key}"),
            };
            reader.problem(at.copied().unwrap_or(0), path, fault.message.clone());
        }
    }
    if reader.problems.is_empty() { Ok(document) } else { Err(places.sorted(reader.problems)) }
}

/// Where policies and their keys begin, by name and key; the key is empty for the policy itself.
type Starts = BTreeMap<(String, &'static str), usize>;

fn document(reader: &mut Reader, root: &DeTable<'_>) -> (PolicyDocument, Starts) {
    let mut document = PolicyDocument::default();
    let mut starts = Starts::new();
    let root = Table::root(root);
    reader.refuse_unknown(&root, SECTIONS, "section");
    if let Some(policies) = reader.table(&root, "policy") {
        for (name, start) in policies.names() {
            let Some(table) = reader.table(&policies, &name) else { continue };
            starts.insert((name.clone(), ""), start);
            for key in POLICY_KEYS {
                if let Some(start) = table.start_of(key) {
                    starts.insert((name.clone(), key), start);
                }
            }
            let rule = policy(reader, &table);
            document.policies.insert(name, rule);
        }
    }
    if let Some(table) = reader.table(&root, "redaction") {
        reader.refuse_unknown(&table, REDACTION_KEYS, "key");
        let locked = reader.boolean(&table, "locked").unwrap_or(false);
        let keep = reader.period(&table, "keep", true);
        document.redaction = keep.map(|keep| RedactionRule { keep, locked });
    }
    if let Some(table) = reader.table(&root, "room_retention") {
        reader.refuse_unknown(&table, ROOM_RETENTION_KEYS, "key");
        let shortest = reader.period(&table, "shortest", true);
        document.room_retention = shortest.map(|shortest| RoomRetentionRule { shortest });
    }
    (document, starts)
}

fn policy(reader: &mut Reader, table: &Table<'_, '_>) -> PolicyRule {
    reader.refuse_unknown(table, POLICY_KEYS, "key");
    PolicyRule {
        records: reader.kinds(table, "records"),
        rooms: reader.names(table, "rooms"),
        users: reader.names(table, "users"),
        keep_at_least: reader.period(table, "keep_at_least", false),
        keep_at_most: reader.period(table, "keep_at_most", false),
        locked: reader.boolean(table, "locked").unwrap_or(false),
        reason: reader.string(table, "reason").unwrap_or_default(),
    }
}
