//! The forms by their own standards: RSMF's documented constraints, mails, tables, pages.

use std::{
    collections::BTreeSet,
    io::{Cursor, Read as _},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use policies::export::Format;
use serde_json::{Value, json};

use crate::{
    export_corpus::{Corpus, DELETED, EDITED, MARKUP, PICTURE, corpus, export},
    exporting::files,
    world::World,
};

async fn made(format: Format) -> (Corpus, std::collections::BTreeMap<String, Vec<u8>>) {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, case, format, None, dir.path()).await;
    (corpus, files(dir.path()))
}

/// Headers and parts (headers, decoded body) of a mail.
pub(crate) fn mail(bytes: &[u8]) -> (String, Vec<(String, Vec<u8>)>) {
    let text = std::str::from_utf8(bytes).unwrap();
    for line in text.split("\r\n") {
        assert!(line.len() <= 998 && line.is_ascii() && !line.contains(['\r', '\n']), "{line}");
    }
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let (_, boundary) = head.split_once("boundary=\"").unwrap();
    let mark = format!("--{}", boundary.split('"').next().unwrap());
    let mut parts = Vec::new();
    let mut pieces = body.split(&mark);
    assert_eq!(pieces.next(), Some(""));
    for piece in pieces {
        if piece.starts_with("--") {
            break;
        }
        let (head, body) = piece.split_once("\r\n\r\n").unwrap();
        let joined: String = body.lines().collect();
        parts.push((head.trim().to_owned(), STANDARD.decode(joined).unwrap()));
    }
    (head.to_owned(), parts)
}

#[tokio::test(flavor = "multi_thread")]
async fn rsmf_keeps_to_the_documented_form() {
    let (corpus, files) = made(Format::Rsmf).await;
    let file = files.iter().find(|(path, _)| path.starts_with("rsmf/")).unwrap().1;
    let (head, parts) = mail(file);
    assert!(head.starts_with("X-RSMF-Version: 2.0.0\r\n"), "{head}");
    assert!(head.contains("MIME-Version: 1.0") && head.contains("multipart/mixed"));
    assert_eq!(parts.len(), 2, "a text and one attachment");
    assert!(parts[0].0.contains("text/plain") && parts[1].0.contains("filename=rsmf.zip"));
    let mut zip = zip::ZipArchive::new(Cursor::new(&parts[1].1)).unwrap();
    let manifest = manifest(file);
    let names: BTreeSet<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names.len(), 2, "the manifest and one medium, at the root: {names:?}");
    // For the format's own schema and anybody's validator: docs/compliance/export.md.
    if let Ok(path) = std::env::var("CHANCERY_KEEP_RSMF") {
        std::fs::write(path, manifest.to_string()).unwrap();
    }
    let mut picture = Vec::new();
    zip.by_name(&corpus.media).unwrap().read_to_end(&mut picture).unwrap();
    assert_eq!(picture, PICTURE);

    let events = manifest["events"].as_array().unwrap();
    let of_body = |body: &str| events.iter().find(|event| event["body"] == body).unwrap();
    assert_eq!(of_body(DELETED)["deleted"], true, "deleted, and its text kept");
    let edited = &of_body(EDITED)["edits"][0];
    assert_eq!((&edited["previous"], &edited["new"]), (&json!(EDITED), &json!("mended")));
    assert_eq!(of_body(EDITED)["reactions"][0]["value"], "👍");
    assert_eq!(of_body(EDITED)["read_receipts"][0]["action"], "read");
    assert_eq!(of_body(MARKUP)["parent"], of_body(EDITED)["id"]);
    for kind in ["join", "leave", "message"] {
        assert!(events.iter().any(|event| event["type"] == kind), "{kind}");
    }
    let count = format!("X-RSMF-EventCount: {}\r\n", events.len());
    assert!(head.contains(&count) && head.contains("X-RSMF-AttachmentCount: 1\r\n"), "{head}");
}

/// The manifest of an RSMF file, which keeps to the format.
pub(crate) fn manifest(file: &[u8]) -> Value {
    let (_, parts) = mail(file);
    let mut zip = zip::ZipArchive::new(Cursor::new(&parts[1].1)).unwrap();
    let mut text = String::new();
    zip.by_name("rsmf_manifest.json").unwrap().read_to_string(&mut text).unwrap();
    let manifest = serde_json::from_str(&text).unwrap();
    check_rsmf(&manifest, &zip.file_names().map(|name| name.unwrap().into_owned()).collect());
    manifest
}

/// Members of an event.
const EVENT_MEMBERS: [&str; 15] = [
    "type",
    "id",
    "parent",
    "body",
    "participant",
    "conversation",
    "timestamp",
    "deleted",
    "importance",
    "reactions",
    "attachments",
    "edits",
    "direction",
    "read_receipts",
    "custom",
];

/// The constraints of the format's JSON schema, as its documentation tells them.
fn check_rsmf(manifest: &Value, files: &BTreeSet<String>) {
    only(manifest, &["version", "participants", "conversations", "events", "eventcollectionid"]);
    assert_eq!(manifest["version"], "2.0.0");
    let ids = |list: &Value| -> BTreeSet<String> {
        let ids = list.as_array().unwrap().iter();
        ids.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let (people, rooms) = (ids(&manifest["participants"]), ids(&manifest["conversations"]));
    let known = |value: &Value| assert!(people.contains(value.as_str().unwrap()), "{value}");
    for person in manifest["participants"].as_array().unwrap() {
        only(person, &["id", "display", "email", "avatar", "account_id", "custom"]);
    }
    for room in manifest["conversations"].as_array().unwrap() {
        let members =
            ["id", "platform", "participants", "display", "type", "custodian", "icon", "custom"];
        only(room, &members);
        assert!(room["platform"].is_string());
        assert!(["direct", "channel"].contains(&room["type"].as_str().unwrap()));
        room["participants"].as_array().unwrap().iter().for_each(known);
    }
    let types = ["message", "disclaimer", "join", "leave", "history", "unknown"];
    for event in manifest["events"].as_array().unwrap() {
        only(event, &EVENT_MEMBERS);
        assert!(types.contains(&event["type"].as_str().unwrap()), "{event}");
        assert!(rooms.contains(event["conversation"].as_str().unwrap()));
        assert!(event["deleted"].is_boolean());
        event.get("participant").into_iter().for_each(known);
        event.get("parent").into_iter().for_each(|parent| {
            assert!(ids(&manifest["events"]).contains(parent.as_str().unwrap()), "{parent}");
        });
        date(&event["timestamp"]);
        for reaction in list(event, "reactions") {
            only(reaction, &["value", "count", "participants"]);
            assert!((1..=30).contains(&reaction["value"].as_str().unwrap().chars().count()));
            reaction["participants"].as_array().unwrap().iter().for_each(known);
        }
        for file in list(event, "attachments") {
            only(file, &["id", "display", "size"]);
            assert!(files.contains(file["id"].as_str().unwrap()) && file["size"].is_u64());
        }
        for edit in list(event, "edits") {
            only(edit, &["participant", "timestamp", "previous", "new"]);
            known(&edit["participant"]);
            date(&edit["timestamp"]);
        }
        for receipt in list(event, "read_receipts") {
            only(receipt, &["participant", "timestamp", "action"]);
            known(&receipt["participant"]);
            date(&receipt["timestamp"]);
        }
        for custom in list(event, "custom") {
            only(custom, &["name", "value"]);
            assert!(custom["name"].is_string() && !custom["value"].as_str().unwrap().is_empty());
        }
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).map_or(&[], |list| list.as_array().unwrap())
}

fn only(value: &Value, members: &[&str]) {
    for name in value.as_object().unwrap().keys() {
        assert!(members.contains(&name.as_str()), "{name} is no member that the format has");
    }
}

fn date(value: &Value) {
    let text = value.as_str().unwrap();
    assert!(text.len() == 24 && text.ends_with('Z') && text.as_bytes()[10] == b'T', "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_carry_the_transcript_and_the_media() {
    let (_, files) = made(Format::Eml).await;
    let file = files.iter().find(|(path, _)| path.starts_with("eml/")).unwrap().1;
    let (head, parts) = mail(file);
    for name in ["From: ", "To: ", "Date: ", "Message-ID: ", "Auto-Submitted: auto-generated"] {
        assert!(head.contains(name), "{name} in {head}");
    }
    let text = String::from_utf8(parts[0].1.clone()).unwrap();
    for said in [DELETED, EDITED, "[edited", "[deleted", "Eve One", "Eve Two", "has read up to"] {
        assert!(text.contains(said), "{said}");
    }
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[1].1, PICTURE);
    assert!(text.contains("not there]"), "what is missing is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_have_the_same_number_of_cells_in_every_row() {
    let (_, files) = made(Format::Csv).await;
    let text = std::str::from_utf8(&files["export.csv"]).unwrap();
    let rows = rows(text);
    assert!(rows.len() > 18 && rows.iter().all(|row| row.len() == rows[0].len()));
    let body = rows[0].iter().position(|name| name == "body").unwrap();
    let bodies: Vec<_> = rows.iter().map(|row| row[body].as_str()).collect();
    for said in [DELETED, EDITED, MARKUP] {
        assert!(bodies.contains(&said), "{said}");
    }
}

/// A reader of RFC 4180 of its own.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => cell.push(chars.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_media_and_no_text_as_markup() {
    let (corpus, files) = made(Format::Html).await;
    let page = files.iter().find(|(path, _)| path.starts_with("html/room-")).unwrap().1;
    let page = std::str::from_utf8(page).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains(&format!("<img src=\"../../media/{}.png\"", corpus.media)));
    for said in [DELETED, EDITED, "Edited", "Deleted", "regret", "Eve Two", "is not there"] {
        assert!(page.contains(said), "{said}");
    }
    assert!(page.contains("default-src 'none'"));
    let index = std::str::from_utf8(&files["html/index.html"]).unwrap();
    assert!(index.contains("ends in <code>.bin</code>"), "the export itself tells what media are");
    assert!(index.contains("room-0001/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_written_as_one_tree_of_their_members_would_be() {
    let (_, files) = made(Format::Jsonl).await;
    let text = String::from_utf8(files["export.jsonl"].clone()).unwrap();
    let mut kinds = BTreeSet::new();
    for line in text.lines() {
        // Reading into a tree and writing it sorts members, and takes blanks and escapes that
        // need not be away: the bytes of version 1, whatever way they were made.
        let tree: Value = serde_json::from_str(line).unwrap();
        assert_eq!(tree.to_string(), line);
        kinds.insert(tree["kind"].as_str().unwrap().to_owned());
    }
    let all = ["event", "receipt", "redaction_applied"].map(str::to_owned);
    assert_eq!(kinds, BTreeSet::from(all));
}
