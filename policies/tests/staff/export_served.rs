//! What an export proves of what is not there: the exporter's word is worth nothing, also where the
//! server seals it.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use commands::room::send_event;
use decide::room::NewEvent;
use event_log::ledger::{Checkpoint, Note};
use facts::{EntryHeader, LogPosition};
use futures_util::future::join_all;
use policies::export::{
    Format, Manifest, ManifestVersion, PageStatement, PageWord, Served, Terms, VerifyReport,
    verify_export,
};
use serde_json::{Value, json};

use crate::{
    destroying::{apply, run},
    export_corpus::{DELETED, begin, complete, corpus, export, fetch, keys, read, upload},
    export_tampering::{seal_anew, seal_as, written},
    exporting::{files, shred},
    world::{World, user},
};

const ENTRIES: &str = "evidence/entries.jsonl";
pub(crate) const CONTEXT: &str = "evidence/context.jsonl";
const PAGES: &str = "evidence/pages.jsonl";

/// An officer fetches an export, changes lines of a file of it before anything is made of it, and has
/// the server seal that; what verifying says.
pub(crate) async fn altered(
    world: &World,
    case: u64,
    file: &str,
    change: impl FnOnce(&mut Vec<Value>),
) -> VerifyReport {
    let dir = tempfile::tempdir().unwrap();
    let mut begun = begin(world, case, Format::Jsonl, None, dir.path()).await;
    fetch(world, &mut begun, 10_000).await;
    begun.settle_context().unwrap();
    if file == CONTEXT {
        // Sorted again before anything is made of it.
        rewrite(dir.path(), "evidence/context.part", change);
    } else {
        rewrite(dir.path(), file, change);
    }
    complete(world, begun).await;
    verify_export(dir.path(), &keys(world)).unwrap()
}

fn rewrite(dir: &Path, file: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).unwrap();
    // Members stay in their order: the line of a page has to be written as it was.
    let before: Vec<&str> = text.lines().collect();
    let mut lines: Vec<Value> =
        before.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let old = lines.clone();
    change(&mut lines);
    assert_ne!(old, lines, "something is changed");
    let written = lines.iter().map(|line| match old.iter().position(|known| known == line) {
        Some(at) => before[at].to_owned(),
        None => written(line),
    });
    let text: String = written.map(|line| line + "\n").collect();
    fs::write(path, text).unwrap();
}

pub(crate) fn said(report: &VerifyReport) -> String {
    let told: Vec<_> = report.findings.iter().map(|found| found.why.clone()).collect();
    told.join("; ")
}

fn hide(part: &mut Value) {
    *part = json!({ "hash": part["hash"], "destroyed": true });
}

fn header(line: &Value) -> EntryHeader {
    EntryHeader::decode(&STANDARD.decode(line["header"].as_str().unwrap()).unwrap()).unwrap()
}

pub(crate) fn says(line: &Value, text: &str) -> bool {
    line["parts"].as_array().unwrap().iter().any(|part| {
        let clear = STANDARD.decode(part["clear"].as_str().unwrap_or_default()).unwrap();
        clear.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_not_destroyed_by_the_exporters_word() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let mut position = 0;
    let report = altered(&world, case, ENTRIES, |lines| {
        let line = lines.iter_mut().find(|line| says(line, DELETED)).unwrap();
        hide(&mut line["parts"][1]);
        position = line["position"].as_u64().unwrap();
    })
    .await;
    let expected = format!("position {position} is said to be destroyed or withheld, and");
    assert!(said(&report).contains(&expected), "{:?}", report.findings);

    // What is hidden without a word is not taken for destroyed either.
    let report = altered(&world, case, ENTRIES, |lines| {
        let line = lines.iter_mut().find(|line| says(line, DELETED)).unwrap();
        line["parts"][1] = json!({ "hash": line["parts"][1]["hash"] });
    })
    .await;
    let expected = format!("position {position} is in the scope and is not shown");
    assert!(said(&report).contains(&expected), "{:?}", report.findings);

    // Nor is more of an entry destroyed than the server said.
    shred(&world, &world.failing.log.read(LogPosition(position)).unwrap().unwrap().header).await;
    let report = altered(&world, case, ENTRIES, |lines| {
        let line = lines.iter_mut().find(|line| line["position"] == position).unwrap();
        assert_eq!(line["parts"][1]["destroyed"], true);
        hide(&mut line["parts"][0]);
    })
    .await;
    assert!(said(&report).contains("the server did not say so"), "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_the_room_is_not_withheld_by_the_exporters_word() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let report = altered(&world, case, ENTRIES, |lines| {
        let is_receipt = |line: &&mut Value| {
            header(line).fact_type == 39 && line["parts"][0]["clear"].is_string()
        };
        let line = lines.iter_mut().find(is_receipt).unwrap();
        line["parts"][0] = json!({ "hash": line["parts"][0]["hash"] });
    })
    .await;
    assert!(said(&report).contains("the server did not say so"), "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_receipt_of_a_stranger_is_in_no_export_of_a_room() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let elsewhere = world.room("cleo").await;
    let said = world.say(&elsewhere, "cleo", "in a room of her own").await;
    read(&world, &elsewhere, "cleo", &said.event_id).await;
    apply(&world, "[policy.brief]\nrecords = [\"receipts\"]\nkeep_at_most = \"1d\"\n").await;
    world.pass_days(3);
    run(&world).await.receipt.expect("receipts are destroyed");

    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    for format in Format::ALL {
        let dir = tempfile::tempdir().unwrap();
        export(&world, case, format, None, dir.path()).await;
        let report = verify_export(dir.path(), &keys(&world)).unwrap();
        assert!(report.holds(), "{:?}", report.findings);
        let evidence = report.evidence.unwrap();
        assert_eq!((evidence.destroyed, evidence.withheld >= 2), (0, true), "{evidence:?}");
        let name = user("cleo");
        for (path, bytes) in files(dir.path()) {
            let encoded = STANDARD.encode(name.as_str());
            for text in [name.as_str(), &encoded[..encoded.len() - 4]] {
                let there = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                assert!(!there, "{path} names her");
            }
        }
        let context = fs::read_to_string(dir.path().join(CONTEXT)).unwrap();
        let mut lines = context.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        assert!(!lines.any(|line| says(&line, name.as_str())), "her stream is not named");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn context_is_neither_left_out_nor_put_in_nor_destroyed_by_the_exporters_word() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let medium = corpus.media.clone();
    let report = altered(&world, case, CONTEXT, |lines| {
        lines.retain(|line| !says(line, &medium));
    })
    .await;
    assert!(said(&report).contains("is missing in evidence/context.jsonl"), "{report:?}");
    let report = altered(&world, case, CONTEXT, |lines| {
        let line = lines.iter_mut().find(|line| says(line, &medium)).unwrap();
        hide(&mut line["parts"][0]);
    })
    .await;
    assert!(said(&report).contains("is not there as the server gave it"), "{report:?}");
    let report = altered(&world, case, CONTEXT, |lines| {
        let line = lines.iter_mut().find(|line| says(line, &medium)).unwrap();
        line["parts"][0] = json!({ "hash": line["parts"][0]["hash"] });
    })
    .await;
    assert!(said(&report).contains("is not there as the server gave it"), "{report:?}");

    // A true entry of the log that another export was given says nothing in this one.
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), world.room("dan").await);
    let picture = json!({ "msgtype": "m.image", "body": "cat.png",
        "url": format!("mxc://example.org/{medium}") });
    world.send(&elsewhere, "dan", picture).await;
    let other = world.case(json!({ "rooms": [elsewhere] })).await;
    let end = world.failing.log.head().0 + 1;
    export(&world, other, Format::Jsonl, Some(end), dir.path()).await;
    let theirs = fs::read_to_string(dir.path().join(CONTEXT)).unwrap();
    let stranger = theirs.lines().find(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        says(&line, elsewhere.as_str())
    });
    let stranger = stranger.unwrap().to_owned();
    let dir = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, Some(end), dir.path()).await;
    let path = dir.path().join(CONTEXT);
    let text = fs::read_to_string(&path).unwrap() + &stranger + "\n";
    fs::write(path, text).unwrap();
    seal_anew(&world, dir.path());
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(said(&report).contains("is not there as the server gave it"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_word_is_on_its_own_pages_alone_and_on_all_of_them() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let other = world.case(json!({ "rooms": [corpus.room] })).await;
    let end = Some(world.failing.log.head().0 + 1);
    let (dir, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (case, dir) in [(case, dir.path()), (other, theirs.path())] {
        export(&world, case, Format::Jsonl, end, dir).await;
        in_short_pages(&world, dir, 5);
    }
    let dir = dir.path();
    assert!(verify_export(dir, &keys(&world)).unwrap().holds());
    let text = fs::read_to_string(dir.join(PAGES)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() > 3);
    let their_text = fs::read_to_string(theirs.path().join(PAGES)).unwrap();
    let theirs = their_text.lines().next().unwrap();
    let whole = |lines: &[&str]| lines.join("\n") + "\n";
    let unsaid = lines[0].replacen("\"marks\":[", "\"marks\":[[1,1],", 1).replace("],]", "]]");
    for (forged, why) in [
        (whole(&lines[..lines.len() - 1]), "the server's word is missing"),
        (whole(&[&lines[..1], &lines[2..]].concat()), "or is on another page"),
        (whole(&[&lines[..1], &lines[..]].concat()), "or is on another page"),
        (whole(&[&[theirs], &lines[1..]].concat()), "or is on another page"),
        (whole(&[&[unsaid.as_str()], &lines[1..]].concat()), "or is on another page"),
        (text.replacen('{', "{ ", 1), "does not have the documented form"),
    ] {
        fs::write(dir.join(PAGES), &forged).unwrap();
        seal_anew(&world, dir);
        let report = verify_export(dir, &keys(&world)).unwrap();
        assert!(said(&report).contains(why), "{why}: {:?}", report.findings);
    }
}

/// The server's words on shorter pages, as it gave them before pages had an end of their own.
fn in_short_pages(world: &World, dir: &Path, positions: u64) {
    let keys = keys(world);
    let manifest =
        Manifest::read(&fs::read_to_string(dir.join("manifest.note")).unwrap(), &keys).unwrap();
    let note = Note::parse(&fs::read_to_string(dir.join("checkpoint.note")).unwrap()).unwrap();
    let checkpoint = Checkpoint::parse(&note.text).unwrap();
    let text = fs::read_to_string(dir.join(PAGES)).unwrap();
    let whole: PageWord = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(text.lines().count(), 1, "so few positions are one page");
    let Terms { case, first, end, .. } = manifest.terms;
    let mut pages = String::new();
    for from in (first..end).step_by(usize::try_from(positions).unwrap()) {
        let until = end.min(from + positions);
        let marks = whole.served.marks.iter().filter(|(at, _)| (from..until).contains(at));
        let context = if from == first { whole.served.context.clone() } else { Vec::new() };
        let served = Served { marks: marks.copied().collect(), context };
        let statement = PageStatement::new(&checkpoint, (case, first), (from, until), &served);
        let note = world.ledger.sign_statement(&statement.text()).unwrap().unwrap().note;
        let word = PageWord { served, note: note.to_string() };
        pages += &(serde_json::to_string(&word).unwrap() + "\n");
    }
    fs::write(dir.join(PAGES), pages).unwrap();
    seal_anew(world, dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_destroyed_between_two_answers_is_no_lie() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let dir = tempfile::tempdir().unwrap();
    let mut begun = begin(&world, case, Format::Jsonl, None, dir.path()).await;
    fetch(&world, &mut begun, 10_000).await;
    let text = fs::read_to_string(dir.path().join(ENTRIES)).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let gone = lines.find(|line| says(line, DELETED)).unwrap();
    shred(&world, &header(&gone)).await;
    complete(&world, begun).await;
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    assert_eq!(report.evidence.unwrap().destroyed, 0, "the evidence has it");
    assert_eq!(report.manifest.unwrap().version, ManifestVersion::Two);
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_never_were_are_not_said_to_be_missing() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let dir = tempfile::tempdir().unwrap();
    let begun = begin(&world, case, Format::Jsonl, None, dir.path()).await;
    let path = format!("/cases/{case}/exports/{}/seal", begun.progress().export);
    for invented in ["../../x", "nobody-uploaded-this"] {
        let sealing = json!({ "files_sha256": "00".repeat(32), "files": 1, "bytes": 1,
            "missing_media": [invented] });
        let refused = world.post("ann", &path, &sealing).await;
        assert_eq!(refused.status.as_u16(), 400, "{refused:?}");
        assert!(refused.text.contains(invented), "{refused:?}");
    }

    // One that is gone, and that nothing of this export names, is no word of it.
    let elsewhere = world.room("dan").await;
    world.say(&elsewhere, "dan", "without pictures").await;
    let other = world.case(json!({ "rooms": [elsewhere] })).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, other, Format::Jsonl, None, dir.path()).await;
    seal_as(&world, dir.path(), |manifest| manifest.missing_media = vec![corpus.missing.clone()]);
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(said(&report).contains("which is not of it"), "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_the_first_version_verifies_and_says_which_it_is() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, None, dir.path()).await;
    fs::remove_file(dir.path().join(PAGES)).unwrap();
    let of = |version| move |manifest: &mut Manifest| manifest.version = version;
    seal_as(&world, dir.path(), of(ManifestVersion::Two));
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(said(&report).contains("pages.jsonl cannot be read"), "{:?}", report.findings);
    seal_as(&world, dir.path(), of(ManifestVersion::One));
    let note = fs::read_to_string(dir.path().join("manifest.note")).unwrap();
    assert!(note.starts_with("chancery export manifest 1\n"));
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    assert_eq!(report.manifest.unwrap().version, ManifestVersion::One);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_where_its_context_is_full_and_every_medium_is_there() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let mut names = Vec::new();
    for first in (0..2_040).step_by(68) {
        let uploads: Vec<_> = (first..first + 68).map(|n| vec![7; n + 1]).collect();
        let stored = uploads.iter().map(|bytes| upload(&world, "dan", bytes));
        names.extend(join_all(stored).await);
    }
    for names in names.chunks(680) {
        let urls: Vec<_> = names.iter().map(|id| format!("mxc://example.org/{id}")).collect();
        let items: Vec<_> = urls.iter().map(|url| json!({ "url": url })).collect();
        world.send(&room, "dan", json!({ "body": "many", "itemtypes": items })).await;
    }
    world.say(&room, "dan", "after them").await;
    let case = world.case(json!({ "rooms": [room] })).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, None, dir.path()).await;
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    assert_eq!((report.unproven_media, report.manifest.unwrap().missing_media.len()), (0, 0));
    let media = fs::read_dir(dir.path().join("media")).unwrap().count();
    assert_eq!(media, 2_040);
    let pages = fs::read_to_string(dir.path().join(PAGES)).unwrap();
    assert_eq!(pages.lines().count(), 2, "the second begins behind the last of the three events");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_where_the_bytes_of_its_context_are_enough() {
    let world = World::new().await;
    let room = world.room("dan").await;
    world.join(&room, "eve").await;
    let long = "reason ".repeat(8_000);
    let count = (9 << 20) / long.len();
    for _ in 0..count {
        let said = world.say(&room, "eve", "short").await;
        let content = NewEvent::content_of(&json!({ "reason": long })).unwrap();
        let mut why = NewEvent::message(user("dan"), "m.room.redaction", content);
        why.redacts = Some(said.event_id);
        send_event(&world.ws, &room, why).await.unwrap();
    }
    let case = world.case(json!({ "users": [user("eve")] })).await;
    let dir = tempfile::tempdir().unwrap();
    export(&world, case, Format::Jsonl, None, dir.path()).await;
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(report.holds(), "{:?}", report.findings);
    let pages = fs::read_to_string(dir.path().join(PAGES)).unwrap();
    assert_eq!(pages.lines().count(), 2, "9 MiB of others' reasons are no page");
    let form = fs::read_to_string(dir.path().join("export.jsonl")).unwrap();
    assert_eq!(form.matches("\"redacted_by\":").count(), count, "each is told");
}
