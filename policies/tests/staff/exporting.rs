//! Exports over the router: complete, the same twice, gone on with after any stop, and never
//! without a durable access.

use std::{collections::BTreeMap, fs, path::Path, sync::atomic::Ordering};

use commands::room::join_room;
use event_log::ShredRequest;
use facts::{
    EntryHeader, Fact, LogPosition,
    fact::{AccessKind, KeyRange, ShredCause},
};
use policies::export::{DirectoryError, ExportDirectory, Format, verify_export};
use serde_json::{Value, json};

use crate::{
    export_corpus::{DELETED, EDITED, begin, complete, corpus, export, fetch, keys, named},
    world::{World, user},
};

/// Every file, by its path.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut open, mut found) = (vec![dir.to_owned()], BTreeMap::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

pub(crate) fn lines(dir: &Path, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(dir.join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_complete_and_verifies_in_every_form() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    for format in Format::ALL {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("export");
        export(&world, case, format, None, &dir).await;
        let report = verify_export(&dir, &keys(&world)).unwrap();
        assert!(report.holds(), "{}: {:?}", format.name(), report.findings);
        let evidence = report.evidence.unwrap();
        assert!(evidence.shown >= 18 && evidence.entries > evidence.shown, "{evidence:?}");
        assert_eq!(report.manifest.unwrap().missing_media, [&*corpus.missing]);
        let all: Vec<u8> = files(&dir).into_values().flatten().collect();
        let elsewhere = b"elsewhere, in no case";
        assert!(!all.windows(elsewhere.len()).any(|window| window == elsewhere));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_hold_every_entry_of_the_scope_once_and_in_order() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, None, dir.path()).await;
    let lines = lines(dir.path(), "export.jsonl");
    let page = world.get("ann", &format!("/cases/{case}/events?limit=1000")).await.ok();
    let read: Vec<u64> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["position"].as_u64().unwrap())
        .collect();
    let exported: Vec<u64> = lines
        .iter()
        .filter(|line| line["kind"] != "receipt")
        .map(|line| line["position"].as_u64().unwrap())
        .collect();
    assert_eq!(exported, read, "what a case shows and what an export holds");

    let body = |text: &str| {
        lines.iter().find(|line| line["event"]["content"]["body"] == text).unwrap().clone()
    };
    let gone = body(DELETED);
    assert!(gone["redacted_by"].is_string() && gone["redacted_at"].is_string(), "{gone}");
    assert_eq!(gone["sender_name"], "Eve One", "the name as it was then");
    let first = body(EDITED);
    assert_eq!(first["edited_by"].as_array().unwrap().len(), 1);
    assert_eq!(first["reactions"].as_array().unwrap().len(), 1);
    let in_thread = lines.iter().find(|line| line["thread"].is_string()).unwrap();
    assert_eq!(in_thread["sender_name"], "Eve Two");
    assert_eq!(lines.iter().filter(|line| line["kind"] == "receipt").count(), 1);
    let encrypted = lines.iter().find(|line| line["encrypted"] == true).unwrap();
    assert_eq!(encrypted["event"]["content"]["ciphertext"], "AwgAEnAC");
    let media: Vec<_> = lines.iter().filter(|line| line["media"].is_array()).collect();
    assert_eq!(media[0]["media"][0]["file"], format!("media/{}.png", corpus.media));
    assert_eq!(media[1]["media"][0]["file"], Value::Null, "it is missing, and is told");
    let text = Value::from(lines.clone()).to_string();
    assert!(!text.contains("org.chancery.salt") && !text.contains("hashes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_stretch_gives_the_same_bytes_however_it_was_fetched() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let end = Some(world.failing.log.head().0 + 1);
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut whole = begin(&world, case, Format::Rsmf, end, one.path()).await;
    fetch(&world, &mut whole, 7).await;
    complete(&world, whole).await;
    world.say(&corpus.room, "dan", "later, and not in the stretch").await;

    // Fetched in small pages, and gone on with after each by somebody who knows the directory only.
    let mut begun = begin(&world, case, Format::Rsmf, end, two.path()).await;
    let begun_at = begun.progress().next;
    while !begun.has_all() {
        let (case, number) = (begun.progress().terms.case, begun.progress().export);
        let from = begun.progress().next;
        let piece = format!("from={from}&page={}&limit=7", begun.progress().page());
        let path = format!("/cases/{case}/exports/{number}/entries?{piece}");
        let page = world.bytes("ann", &path).await;
        begun.append(&page).unwrap();
        drop(begun);
        // A kill in the middle of the next page leaves half of it behind the note.
        let torn = two.path().join("evidence/entries.jsonl");
        let mut bytes = fs::read(&torn).unwrap();
        bytes.extend_from_slice(&page[..page.len() / 3]);
        fs::write(&torn, bytes).unwrap();
        // And one at the very beginning leaves the note alone.
        if from == begun_at {
            fs::remove_file(two.path().join("checkpoint.note")).unwrap();
        }
        begun = ExportDirectory::resume(two.path(), case, Format::Rsmf).unwrap().unwrap();
    }
    complete(&world, begun).await;
    let (one, two) = (files(one.path()), files(two.path()));
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(two[path] == *bytes, "{path} differs");
    }

    // In larger and smaller pieces the server says the same.
    for limit in [1, 50, 10_000] {
        let three = tempfile::tempdir().unwrap();
        let mut begun = begin(&world, case, Format::Rsmf, end, three.path()).await;
        fetch(&world, &mut begun, limit).await;
        complete(&world, begun).await;
        assert!(files(three.path()) == one, "in pieces of {limit}");
        assert!(verify_export(three.path(), &keys(&world)).unwrap().holds());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_of_dates_and_persons_are_proven_too() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let details = named("Eve");
    join_room(&world.ws, &room, user("eve"), &details).await.unwrap();
    world.say(&room, "eve", "before").await;
    world.pass_days(1);
    let from = world.now();
    world.say(&room, "eve", "within").await;
    world.say(&room, "dan", "by somebody else").await;
    let until = world.now();
    world.pass_days(1);
    world.say(&room, "eve", "after").await;

    let scope = json!({ "rooms": [room], "users": [user("eve")], "from": from, "until": until });
    let case = world.case(scope).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, None, dir.path()).await;
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    let evidence = report.evidence.unwrap();
    assert!(evidence.is_over, "the header after the last one shows that the time is over");
    let lines = lines(dir.path(), "export.jsonl");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["event"]["content"]["body"], "within");
    assert_eq!(lines[0]["sender_name"], "Eve", "a name that was given before the dates");
    let all = fs::read_to_string(dir.path().join("evidence/entries.jsonl")).unwrap();
    assert!(!all.contains(&base64("by somebody else")));

    let of_person = world.case(json!({ "users": [user("eve")] })).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, of_person, Format::Csv, None, dir.path()).await;
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    assert!(report.evidence.unwrap().withheld > 0, "others' memberships are counted, not shown");
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn i16_each_page_of_an_export_is_an_access_before_anything_is_opened() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let dir = tempfile::tempdir().unwrap();
    let mut begun = begin(&world, case, Format::Jsonl, None, dir.path()).await;
    let number = begun.progress().export;
    let path = format!("/cases/{case}/exports/{number}/entries?from={}", begun.progress().next);
    // The disk is gone before the access is durable: nothing of the record is opened.
    world.failing.opened.store(0, Ordering::SeqCst);
    world.failing.disk_is_gone.store(true, Ordering::SeqCst);
    let answer = world.get("ann", &path).await;
    assert_eq!(answer.status.as_u16(), 503, "{answer:?}");
    let opened = world.failing.opened.load(Ordering::SeqCst);
    assert_eq!(opened, 1, "only the fact that began the export was read");
    world.failing.disk_is_gone.store(false, Ordering::SeqCst);

    fetch(&world, &mut begun, 20).await;
    let before_seal = world.failing.log.head();
    complete(&world, begun).await;
    let facts = world.facts(LogPosition(number));
    let accesses: Vec<_> = facts
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::ContentAccessed(access) if access.kind == AccessKind::Export => Some(access),
            _ => None,
        })
        .collect();
    assert!(accesses.len() > 3 && accesses.iter().all(|access| access.case.0 == case));
    let sealed = facts.iter().find(|(_, fact)| matches!(fact, Fact::ExportSealed(_))).unwrap();
    assert!(sealed.0 > before_seal);
    let told = world.get("otto", &format!("/cases/{case}/exports")).await.ok();
    let kinds: Vec<_> = told["exports"].as_array().unwrap().iter().map(|e| &e["kind"]).collect();
    assert_eq!(kinds, ["started", "sealed"]);
    let progress =
        world.get("otto", &format!("/cases/{case}/exports/{number}?limit=1000")).await.ok();
    assert!(progress["exports"].as_array().unwrap().len() >= accesses.len());
    let trail = world.get("otto", "/audit?kind=export_sealed").await.ok();
    assert_eq!(trail["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_export_is_refused_for() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let path = format!("/cases/{case}/exports");
    let unknown = world.post("ann", &path, &json!({ "format": "pdf" })).await;
    assert_eq!(unknown.status.as_u16(), 400);
    assert!(unknown.text.contains("rsmf"), "the formats are named: {unknown:?}");
    let beyond = world.post("ann", &path, &json!({ "format": "csv", "end": 1_u64 << 40 })).await;
    assert_eq!(beyond.status.as_u16(), 400);
    let nothing = world.post("ann", &path, &json!({ "format": "csv", "end": 0 })).await;
    assert!(nothing.text.contains("`end` must be at least 1"), "{nothing:?}");
    for name in ["cleo", "otto", "dan", "admin"] {
        let refused = world.post(name, &path, &json!({ "format": "csv" })).await;
        assert_eq!(refused.status.as_u16(), 403, "{name}: {refused:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let begun = begin(&world, case, Format::Jsonl, None, dir.path()).await;
    let (number, from) = (begun.progress().export, begun.progress().next);
    let page = format!("{path}/{number}/entries?from={from}");
    assert_eq!(world.get("ben", &page).await.status.as_u16(), 404, "another's export");
    let empty = world.get("ann", &format!("{page}&limit=0")).await;
    assert!(empty.text.contains("`limit` must be at least 1"), "{empty:?}");
    let other = world.case(json!({ "rooms": [corpus.room] })).await;
    for unknown in [format!("/cases/{other}/exports/{number}"), format!("/cases/{case}/exports/1")]
    {
        assert_eq!(world.get("otto", &unknown).await.status, 404, "{unknown}");
    }
    let elsewhere = format!("/cases/{other}/exports/{number}/entries?from={from}");
    assert_eq!(world.get("ann", &elsewhere).await.status.as_u16(), 404, "another case's");
    let media = format!("{path}/{number}/media/{}?position={from}", corpus.media);
    assert_eq!(world.get("ann", &media).await.status.as_u16(), 404, "no entry names it there");
    let sealing = json!({ "files_sha256": "00".repeat(32), "files": 1, "bytes": 1,
        "missing_media": [corpus.media] });
    let there = world.post("ann", &format!("{path}/{number}/seal"), &sealing).await;
    assert_eq!(there.status.as_u16(), 409, "what is there is not said to be missing: {there:?}");

    world.pass_days(31);
    let expired = world.get("ann", &page).await;
    assert_eq!(expired.status.as_u16(), 403);
    assert!(expired.text.contains("expired"), "{expired:?}");
}

#[test]
fn directories_that_are_something_else_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    assert!(ExportDirectory::resume(dir.path(), 1, Format::Csv).unwrap().is_none());
    // A kill while the first note was written leaves nothing that matters.
    fs::write(dir.path().join("unfinished.json.new"), "{").unwrap();
    assert!(ExportDirectory::resume(dir.path(), 1, Format::Csv).unwrap().is_none());
    fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
    let refused = ExportDirectory::resume(dir.path(), 1, Format::Csv).unwrap_err();
    assert!(matches!(refused, DirectoryError::NotEmpty));
    fs::write(dir.path().join("unfinished.json"), "{}").unwrap();
    let refused = ExportDirectory::resume(dir.path(), 1, Format::Csv).unwrap_err();
    assert!(matches!(refused, DirectoryError::State));
    fs::write(dir.path().join("manifest.note"), "").unwrap();
    let refused = ExportDirectory::resume(dir.path(), 1, Format::Csv).unwrap_err();
    assert!(matches!(refused, DirectoryError::Finished));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_commands_in_one_directory_one_does_it() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let dir = tempfile::tempdir().unwrap();
    // Both have looked, and found it empty; both have the server's answer.
    for _ in 0..2 {
        assert!(ExportDirectory::resume(dir.path(), case, Format::Jsonl).unwrap().is_none());
    }
    let mut first = begin(&world, case, Format::Jsonl, None, dir.path()).await;
    let (terms, number) = (first.progress().terms.clone(), first.progress().export);
    let second = || ExportDirectory::begin(dir.path(), number, terms.clone(), Format::Jsonl, "x");
    assert!(matches!(second().unwrap_err(), DirectoryError::Busy));
    let resumed = || ExportDirectory::resume(dir.path(), case, Format::Jsonl);
    assert!(matches!(resumed().unwrap_err(), DirectoryError::Busy));
    fetch(&world, &mut first, 10_000).await;
    let half = files(dir.path());
    drop(first);
    assert!(matches!(second().unwrap_err(), DirectoryError::Begun));
    assert!(files(dir.path()) == half, "what is unfinished is gone on with");
    // What it is made of has its name durably before there is a manifest: every folder is looked at.
    std::os::unix::fs::symlink("..", dir.path().join("media/elsewhere")).unwrap();
    assert!(resumed().unwrap().unwrap().finish("x").is_err());
    fs::remove_file(dir.path().join("media/elsewhere")).unwrap();
    assert!(!dir.path().join("manifest.note").exists());
    complete(&world, resumed().unwrap().unwrap()).await;
    let made = files(dir.path());
    assert!(matches!(second().unwrap_err(), DirectoryError::Finished));
    assert!(files(dir.path()) == made, "what is finished is not touched");
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("thesis.txt"), "mine").unwrap();
    let refused = ExportDirectory::begin(other.path(), number, terms.clone(), Format::Jsonl, "x");
    assert!(matches!(refused.unwrap_err(), DirectoryError::NotEmpty));
    assert_eq!(files(other.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_is_told_and_still_proven() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let path = format!("/cases/{case}/events?limit=1000");
    let page = world.get("ann", &path).await.ok();
    let of = page["events"].as_array().unwrap();
    let of = of.iter().find(|item| item["event"]["content"]["body"] == DELETED).unwrap();
    let header = world.failing.log.read(LogPosition(of["position"].as_u64().unwrap()));
    let header = header.unwrap().unwrap().header;
    shred(&world, &header).await;

    let dir = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, None, dir.path()).await;
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    assert_eq!(report.evidence.unwrap().destroyed, 1);
    let lines = lines(dir.path(), "export.jsonl");
    let gone = lines.iter().find(|line| line["content_destroyed"] == true).unwrap();
    assert_eq!(gone["position"], of["position"]);
    assert_eq!(gone["event"]["content"], json!({}));
    let all: Vec<u8> = files(dir.path()).into_values().flatten().collect();
    for canary in [DELETED.as_bytes(), base64(DELETED).as_bytes()] {
        assert!(!all.windows(canary.len()).any(|window| window == canary));
    }
}

/// Destroys the key of an entry's content.
pub(crate) async fn shred(world: &World, header: &EntryHeader) {
    let (log, header) = (world.failing.log.clone(), header.clone());
    let leaf = u32::try_from(header.revision.0).unwrap();
    tokio::task::spawn_blocking(move || {
        let range = KeyRange {
            epoch_first: header.key_epoch,
            epoch_last: header.key_epoch,
            tree: header.parts[1].stream_tree.0,
            leaf_first: leaf,
            leaf_last: leaf,
        };
        let request = ShredRequest {
            ranges: vec![range],
            cause: ShredCause::Retention,
            expects: Vec::new(),
            scavenging: event_log::Scavenging::Closed,
        };
        log.order_shred(request, |_| Vec::new()).unwrap();
    })
    .await
    .unwrap();
}
