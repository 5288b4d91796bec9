//! What is changed in an export is found and located: by anybody, and by somebody who could even
//! have a new manifest signed.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use commands::room::{ban_user, join_room};
use event_log::{Random as _, SeededRandom};
use policies::export::{
    FORM_FILE, FileList, Finding, Format, Manifest, VerifyReport, list_text, verify_export,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    export_corpus::{DELETED, begin, complete, corpus, export, fetch, keys, named},
    exporting::files,
    world::{World, user},
};

const FORM: &str = "export.jsonl";

fn number(random: &SeededRandom, below: usize) -> usize {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    usize::try_from(u64::from_le_bytes(bytes) % below as u64).unwrap()
}

fn located(report: &VerifyReport, path: &str) -> bool {
    report.findings.iter().any(|finding| finding.place.contains(path))
}

async fn exported(world: &World, format: Format, dir: &Path) {
    let corpus = corpus(world).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    export(world, case, format, None, dir).await;
}

/// Random changes over all forms, unless `CHANCERY_MUTATIONS` says otherwise.
const MUTATIONS: usize = 480;

/// Changes a file: a byte dropped, put in or flipped, the end cut off, two stretches exchanged, or
/// the file as an earlier export had it. Says which.
fn mutated(bytes: &mut Vec<u8>, older: Option<&Vec<u8>>, random: &SeededRandom) -> &'static str {
    let at = number(random, bytes.len());
    match (number(random, 6), older) {
        (0, _) => {
            bytes.remove(at);
            "drop"
        }
        (1, _) => {
            bytes.insert(at, b'7');
            "insert"
        }
        (2, _) => {
            bytes.truncate(at);
            "truncate"
        }
        (3, _) => {
            bytes.rotate_left(at);
            "reorder"
        }
        (4, Some(older)) => {
            bytes.clone_from(older);
            "roll back"
        }
        _ => {
            bytes[at] ^= 1 << number(random, 8);
            "flip"
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_random_change_of_a_file_is_found_and_located() {
    let wanted = std::env::var("CHANCERY_MUTATIONS").ok();
    let wanted = wanted.map_or(MUTATIONS, |count| count.parse().unwrap());
    for (format, eighths) in Format::ALL.into_iter().zip([4, 1, 1, 1, 1]) {
        let world = World::new().await;
        let (dir, earlier) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let corpus = corpus(&world).await;
        let case = world.case(json!({ "rooms": [corpus.room] })).await;
        export(&world, case, format, None, earlier.path()).await;
        world.say(&corpus.room, "dan", "one more").await;
        export(&world, case, format, None, dir.path()).await;
        let (keys, older) = (keys(&world), files(earlier.path()));
        let files = files(dir.path());
        let paths: Vec<_> = files.keys().filter(|path| !files[*path].is_empty()).collect();
        let random = SeededRandom::new(11);
        for round in 0..wanted * eighths / 8 {
            let path = paths[round % paths.len()];
            let mut bytes = files[path].clone();
            let how = mutated(&mut bytes, older.get(path), &random);
            if bytes == files[path] {
                continue;
            }
            fs::write(dir.path().join(path), &bytes).unwrap();
            let report = verify_export(dir.path(), &keys).unwrap();
            assert!(!report.holds(), "{how} of {path}, {} bytes", bytes.len());
            // An earlier manifest is whole; the list is not the one that it covers.
            let told = match (path.as_str(), how) {
                ("manifest.note", "roll back") => "files.sha256",
                (path, _) => path,
            };
            assert!(located(&report, told), "{how} of {path}: {:?}", report.findings);
            fs::write(dir.path().join(path), &files[path]).unwrap();
        }
        assert!(verify_export(dir.path(), &keys).unwrap().holds(), "put back, it holds again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_gone_or_put_in_are_named() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    exported(&world, Format::Html, dir.path()).await;
    let (keys, files) = (keys(&world), files(dir.path()));
    for (path, bytes) in &files {
        fs::remove_file(dir.path().join(path)).unwrap();
        let report = verify_export(dir.path(), &keys).unwrap();
        assert!(!report.holds() && located(&report, path), "{path}: {:?}", report.findings);
        fs::write(dir.path().join(path), bytes).unwrap();
    }
    let why_of = |path: &str| {
        let found = verify_export(dir.path(), &keys).unwrap().findings;
        let why = found.into_iter().filter(|found| found.place == path).map(|found| found.why);
        why.collect::<Vec<_>>().join("; ")
    };
    fs::remove_file(dir.path().join("manifest.note")).unwrap();
    assert!(why_of("manifest.note").contains("broken off before its end"));
    fs::write(dir.path().join("manifest.note"), &files["manifest.note"]).unwrap();
    let another =
        [&files["checkpoint.note"][..], "\u{2014} mallory AAAAAAAA\n".as_bytes()].concat();
    fs::write(dir.path().join("checkpoint.note"), another).unwrap();
    let why = why_of("checkpoint.note");
    assert!(why.ends_with("; the note has bytes that nobody signed"), "{why}");
    fs::write(dir.path().join("checkpoint.note"), &files["checkpoint.note"]).unwrap();
    for folder in ["media/none", "mine"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        assert_eq!(why_of(folder), "it is an empty directory that is not of the export");
        fs::remove_dir(dir.path().join(folder)).unwrap();
    }
    assert!(verify_export(dir.path(), &keys).unwrap().holds(), "put back, it holds again");
    fs::write(dir.path().join("media/more"), "x").unwrap();
    assert!(located(&verify_export(dir.path(), &keys).unwrap(), "media/more"));
    fs::remove_file(dir.path().join("media/more")).unwrap();
    // A key that nobody named is not trusted.
    let stranger = event_log::ledger::NoteSigner::new("example.org/x", &[1; 32]).unwrap();
    assert!(!verify_export(dir.path(), &[stranger.verifier()]).unwrap().holds());
}

/// A line of evidence as it is written: members in their order, no blanks. Any other JSON as it comes.
pub(crate) fn written(line: &Value) -> String {
    let order = ["proof", "position", "header", "parts", "hash", "key", "clear", "destroyed"];
    match line {
        Value::Object(members) => {
            let mut names: Vec<_> = members.keys().collect();
            names.sort_by_key(|name| order.iter().position(|known| known == name));
            let members = names.iter().map(|name| format!("\"{name}\":{}", written(&line[*name])));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// Makes list and manifest fit what stands in the directory, and has it signed.
pub(crate) fn seal_anew(world: &World, dir: &Path) {
    seal_as(world, dir, |_| ());
}

/// The same with a manifest that is changed before.
pub(crate) fn seal_as(world: &World, dir: &Path, change: impl FnOnce(&mut Manifest)) {
    let keys = keys(world);
    let note = fs::read_to_string(dir.join("manifest.note")).unwrap();
    let mut manifest = Manifest::read(&note, &keys).unwrap();
    let not_listed = ["files.sha256", "manifest.note"];
    let there = files(dir).into_keys().filter(|path| !not_listed.contains(&path.as_str()));
    manifest.bytes = 0;
    let list: FileList = there
        .map(|path| {
            let bytes = fs::read(dir.join(&path)).unwrap();
            manifest.bytes += bytes.len() as u64;
            (path, Sha256::digest(bytes).into())
        })
        .collect();
    let text = list_text(&list);
    manifest.files_sha256 = hex::encode(Sha256::digest(text.as_bytes()));
    manifest.files = list.len() as u64;
    change(&mut manifest);
    fs::write(dir.join("files.sha256"), text).unwrap();
    let signed = world.ledger.sign_statement(&manifest.text()).unwrap().unwrap();
    fs::write(dir.join("manifest.note"), signed.note.to_string()).unwrap();
}

/// Changes the lines of the evidence, and has it signed; what verifying finds.
fn forged(
    world: &World,
    dir: &Path,
    change: impl FnOnce(&mut Vec<Value>) -> Option<u64>,
) -> (String, Option<u64>) {
    let path = dir.join("evidence/entries.jsonl");
    let (before, all) = (fs::read_to_string(&path).unwrap(), files(dir));
    let mut lines: Vec<Value> =
        before.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let position = change(&mut lines);
    let lines: Vec<_> = lines.iter().map(written).collect();
    let text = lines.join("\n") + "\n";
    assert_ne!(text, before);
    fs::write(&path, text).unwrap();
    seal_anew(world, dir);
    let report = verify_export(dir, &keys(world)).unwrap();
    assert!(!report.holds());
    for (path, bytes) in all {
        fs::write(dir.join(path), bytes).unwrap();
    }
    let told: Vec<_> = report.findings.iter().map(|finding| finding.why.clone()).collect();
    (told.join("; "), position)
}

fn shown(lines: &mut [Value]) -> &mut Value {
    lines.iter_mut().find(|line| line["parts"][1]["clear"].is_string()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn even_with_a_signed_manifest_the_evidence_cannot_lie() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    exported(&world, Format::Jsonl, dir.path()).await;
    let dir = dir.path();

    let (why, position) = forged(&world, dir, |lines| {
        let line = shown(lines);
        let clear = STANDARD.decode(line["parts"][1]["clear"].as_str().unwrap()).unwrap();
        let mut clear = clear;
        clear[9] ^= 1;
        line["parts"][1]["clear"] = STANDARD.encode(clear).into();
        line["position"].as_u64()
    });
    assert!(why.contains("part 2 is not what the entry's header commits to"), "{why}");
    assert!(position.is_some() && why.contains("line"), "{why}");

    let (why, position) = forged(&world, dir, |lines| {
        let line = shown(lines);
        for part in line["parts"].as_array_mut().unwrap() {
            *part = json!({ "hash": part["hash"] });
        }
        line["position"].as_u64()
    });
    let position = position.unwrap();
    assert!(
        why.contains(&format!("position {position} is in the scope and is not shown")),
        "{why}"
    );

    let (why, _) = forged(&world, dir, |lines| {
        lines.remove(5);
        None
    });
    assert!(why.contains("line 6: position"), "{why}");
    let (why, _) = forged(&world, dir, |lines| {
        lines.pop();
        None
    });
    assert!(why.contains("entries are missing"), "{why}");
    let (why, _) = forged(&world, dir, |lines| {
        let hash = STANDARD.encode([7; 32]);
        lines.last_mut().unwrap()["parts"][0]["hash"] = hash.into();
        None
    });
    assert!(why.contains("not those of the checkpoint"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_not_hidden_by_how_its_line_is_written() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    exported(&world, Format::Jsonl, dir.path()).await;
    let (entries, form) = (dir.path().join("evidence/entries.jsonl"), dir.path().join(FORM));
    let (text, told) = (fs::read_to_string(&entries).unwrap(), fs::read_to_string(&form).unwrap());
    let item = told.lines().find(|line| line.contains(DELETED)).unwrap();
    let position = serde_json::from_str::<Value>(item).unwrap()["position"].clone();
    let line = text.lines().find(|line| line.starts_with(&format!("{{\"position\":{position},")));
    let line = line.unwrap();
    fs::write(&form, told.replacen(&format!("{item}\n"), "", 1)).unwrap();
    // The same JSON in other bytes: whoever looks for a text by its bytes does not find it.
    let ways = [
        line.replace("\"clear\":", "\"cle\\u0061r\":"),
        line.replace(',', ", "),
        serde_json::from_str::<Value>(line).unwrap().to_string(),
    ];
    for way in ways {
        let as_json: Value = serde_json::from_str(&way).unwrap();
        assert_eq!(as_json, serde_json::from_str::<Value>(line).unwrap());
        fs::write(&entries, text.replacen(line, &way, 1)).unwrap();
        seal_anew(&world, dir.path());
        let report = verify_export(dir.path(), &keys(&world)).unwrap();
        assert!(!report.holds(), "{way}");
        let why = &report.findings[0].why;
        assert!(why.contains("evidence/entries.jsonl line") && why.contains("form"), "{why}");
    }
    // As it was written, the form is what lacks something.
    fs::write(&entries, &text).unwrap();
    seal_anew(&world, dir.path());
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert!(report.findings[0].place.starts_with("export.jsonl byte"), "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_says_something_else_than_the_evidence_is_located() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    exported(&world, Format::Jsonl, dir.path()).await;
    let path = dir.path().join("export.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find("mended").unwrap();
    fs::write(&path, text.replacen("mended", "forged", 1)).unwrap();
    seal_anew(&world, dir.path());
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert_eq!(report.findings[0].place, format!("export.jsonl byte {at}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_of_a_person_in_scope_cannot_be_withheld() {
    let world = World::new().await;
    let room = world.room("eve").await;
    let mut details = named("Dan");
    join_room(&world.ws, &room, user("dan"), &details).await.unwrap();
    details.reason = Some("spam".to_owned());
    ban_user(&world.ws, &room, user("eve"), &user("dan"), &details).await.unwrap();
    let of_dan = world.case(json!({ "users": [user("dan")] })).await;
    let whole = tempfile::tempdir().unwrap();
    export(&world, of_dan, Format::Jsonl, None, whole.path()).await;

    // The ban of Dan, by somebody else: its header names neither, but the key tree is Dan's.
    let (why, position) = forged(&world, whole.path(), |lines| {
        let line = lines.iter_mut().find(|line| {
            let header = STANDARD.decode(line["header"].as_str().unwrap()).unwrap();
            let header = facts::EntryHeader::decode(&header).unwrap();
            let by_eve = header.fact_type == 16 && header.actor != header.stream;
            by_eve && line["parts"][1]["clear"].is_string() && is_ban(line)
        });
        let line = line.expect("the ban is shown");
        for part in line["parts"].as_array_mut().unwrap() {
            *part = json!({ "hash": part["hash"] });
        }
        line["position"].as_u64()
    });
    let position = position.unwrap();
    assert!(why.contains(&format!("position {position} is said to be destroyed or with")), "{why}");
}

fn is_ban(line: &Value) -> bool {
    let skeleton = STANDARD.decode(line["parts"][0]["clear"].as_str().unwrap()).unwrap();
    skeleton.windows(5).any(|window| window == b"\"ban\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_says_how_large_the_files_are() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    exported(&world, Format::Csv, dir.path()).await;
    assert!(verify_export(dir.path(), &keys(&world)).unwrap().holds());
    for change in [1, u64::MAX] {
        let wrong = |manifest: &mut Manifest| manifest.bytes = manifest.bytes.wrapping_add(change);
        seal_as(&world, dir.path(), wrong);
        let report = verify_export(dir.path(), &keys(&world)).unwrap();
        let Finding { place, why } = &report.findings[0];
        assert!(place == "manifest.note" && why.contains("another number of bytes"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_version_is_said_to_be_one() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    exported(&world, Format::Csv, dir.path()).await;
    let path = dir.path().join(FORM_FILE);
    assert_eq!(fs::read(&path).unwrap(), b"{\"format\":\"csv\",\"version\":3}\n");
    let csv = dir.path().join("export.csv");
    fs::write(&csv, fs::read(&csv).unwrap().to_ascii_uppercase()).unwrap();
    for version in [Some(4), Some(2), None] {
        if version != Some(4) {
            // Media had no endings then.
            plain_media(dir.path());
        }
        match version {
            // Version 1 had no such file.
            None => fs::remove_file(&path).unwrap(),
            Some(version) => fs::write(&path, format!("{{\"version\":{version}}}")).unwrap(),
        }
        seal_anew(&world, dir.path());
        let report = verify_export(dir.path(), &keys(&world)).unwrap();
        assert!(!report.holds() && report.findings.len() == 1, "{:?}", report.findings);
        let Finding { place, why } = &report.findings[0];
        assert_eq!(place, FORM_FILE);
        let told = format!("the form is of version {} ", version.unwrap_or(1));
        assert!(why.contains(&told) && why.contains("the evidence holds"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_nothing_proves_is_found_though_it_is_listed_and_sealed() {
    let world = World::new().await;
    let corpus = corpus(&world).await;
    let url = json!({ "msgtype": "m.image", "body": "it.png",
        "url": "mxc://example.org/neverUploaded" });
    world.send(&corpus.room, "dan", url).await;
    let case = world.case(json!({ "rooms": [corpus.room] })).await;
    for format in Format::ALL {
        let dir = tempfile::tempdir().unwrap();
        let mut begun = begin(&world, case, format, None, dir.path()).await;
        fetch(&world, &mut begun, 10_000).await;
        // Named by an event, proven by nothing, and put there before the form is made.
        fs::write(dir.path().join("media/neverUploaded.bin"), "forged").unwrap();
        complete(&world, begun).await;
        let made = files(dir.path());
        let found = |report: &VerifyReport, path: &str| {
            let told: Vec<_> = report.findings.iter().map(|found| &*found.place).collect();
            assert_eq!(told, [path], "{}", format.name());
        };
        found(&verify_export(dir.path(), &keys(&world)).unwrap(), "media/neverUploaded.bin");
        if format == Format::Jsonl {
            let form = String::from_utf8(made[FORM].clone()).unwrap();
            let line = form.lines().find(|line| line.contains("neverUploaded")).unwrap();
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["media"][0]["file"], Value::Null, "no file is that of the event");
        }
        // Without it the same form holds: nothing in it is of the file.
        fs::remove_file(dir.path().join("media/neverUploaded.bin")).unwrap();
        seal_anew(&world, dir.path());
        let report = verify_export(dir.path(), &keys(&world)).unwrap();
        assert!(report.holds(), "{}: {:?}", format.name(), report.findings);
        for more in ["media/more", "evidence/finding.html", "more.txt", "media/sub/more"] {
            let path = dir.path().join(more);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "x").unwrap();
            seal_anew(&world, dir.path());
            found(&verify_export(dir.path(), &keys(&world)).unwrap(), more);
            fs::remove_file(path).unwrap();
        }
        // Nothing is left of what was put in, which would be a finding itself.
        fs::remove_dir(dir.path().join("media/sub")).unwrap();
    }
}

/// Takes the endings of media away.
fn plain_media(dir: &Path) {
    for path in files(dir).into_keys().filter(|path| path.starts_with("media/")) {
        let plain = path.split('.').next().unwrap();
        fs::rename(dir.join(&path), dir.join(plain)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_could_run_is_found_in_the_media_also_where_it_is_sealed() {
    let world = World::new().await;
    let dir = tempfile::tempdir().unwrap();
    exported(&world, Format::Html, dir.path()).await;
    let picture = files(dir.path()).into_keys().find(|path| path.starts_with("media/")).unwrap();
    assert_eq!(picture.rsplit_once('.').map(|(_, ending)| ending), Some("png"));
    fs::write(dir.path().join("media/more.html"), "<script>").unwrap();
    seal_anew(&world, dir.path());
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    assert_eq!(report.findings[0].place, "media/more.html", "{:?}", report.findings);
    fs::remove_file(dir.path().join("media/more.html")).unwrap();
    fs::rename(dir.path().join(&picture), dir.path().join("media/picture.html")).unwrap();
    seal_anew(&world, dir.path());
    let report = verify_export(dir.path(), &keys(&world)).unwrap();
    let places: Vec<_> = report.findings.iter().map(|found| found.place.as_str()).collect();
    assert_eq!(places, [picture.as_str(), "media/picture.html"], "{:?}", report.findings);
}
