//! A thousand strings are left in every place that takes one; then what holds them is destroyed,
//! once because its time is over and once because the person is erased. Afterwards none of them is
//! anywhere: in no file as it is on disk, and under no key that is left. Earlier checkpoints and
//! proofs still verify, and no hash that is left confirms what our own events said.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/needles.rs"]
mod needles;
#[path = "support/officer.rs"]
#[expect(dead_code, reason = "nobody is refused here")]
mod officer;
#[path = "support/run_later.rs"]
mod run_later;
#[path = "support/traces.rs"]
mod traces;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use decide::pdu::Pdu;
use event_log::{Entry, PartContent, RANGE_ENTRIES_MAX};
use facts::{Fact, LogPosition, pdu::SALT_KEY};
use harness::{
    matrix_client::MatrixClient,
    register,
    server::{Server, binary},
    two_in_a_room,
};
use needles::{Found, Needles};
use officer::Officer;
use rand::{SeedableRng as _, rngs::StdRng};
use ruma::{CanonicalJsonObject, CanonicalJsonValue, RoomId};
use run_later::{now, open_log, run_later};
use serde_json::json;
use traces::{Place, Tracer};

const WHY: [&str; 3] = ["--reason", "because", "--yes"];
const HOUR_MS: u64 = 60 * 60 * 1000;
const CHECKPOINTS: usize = 3;

/// By what they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Their time is over.
    Retention,
    /// Alice is erased.
    Erasure,
}

/// What is ended by each, and how many of them. State that others rely on does not go with a
/// person; what a person keeps for itself has no time that could be over before it is replaced.
const RETENTION: &[(Place, usize)] = &[
    (Place::Body, 180),
    (Place::Edit, 100),
    (Place::Reaction, 100),
    (Place::Redacted, 50),
    (Place::RedactionReason, 50),
    (Place::DisplayName, 50),
    (Place::MemberReason, 20),
    (Place::RoomName, 75),
    (Place::RoomTopic, 75),
    (Place::OtherState, 75),
    (Place::File, 50),
    (Place::FileName, 50),
    (Place::AccountData, 25),
    (Place::DeviceName, 25),
    (Place::ToDevice, 50),
    (Place::Search, 10),
    (Place::FailedLogin, 15),
];
const ERASURE: &[(Place, usize)] = &[
    (Place::Body, 140),
    (Place::Edit, 100),
    (Place::Reaction, 100),
    (Place::Redacted, 50),
    (Place::RedactionReason, 50),
    (Place::DisplayName, 50),
    (Place::MemberReason, 25),
    (Place::File, 50),
    (Place::FileName, 50),
    (Place::AccountData, 50),
    (Place::AccountDataType, 50),
    (Place::RoomAccountData, 25),
    (Place::Tag, 25),
    (Place::PushRule, 25),
    (Place::DeviceName, 25),
    (Place::ProfileField, 25),
    (Place::Filter, 25),
    (Place::BackupKey, 25),
    (Place::BackupSession, 25),
    (Place::KeyId, 25),
    (Place::ToDevice, 50),
    (Place::Search, 10),
];
/// No ceiling but these: what is destroyed is destroyed by them.
const POLICY: &str = "[policy.brief]\n\
    records = [\"messages\", \"state\", \"media\", \"receipts\", \"to-device\", \"audit\"]\n\
    keep_at_most = \"1h\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_nowhere() -> Result<()> {
    planted_and_destroyed(End::Retention, RETENTION).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_erased_person_left_is_nowhere() -> Result<()> {
    planted_and_destroyed(End::Erasure, ERASURE).await
}

async fn planted_and_destroyed(end: End, places: &[(Place, usize)]) -> Result<()> {
    let mut server = Server::start().await?;
    let officers = officers(&server).await?;
    let (alice, bob, room) = two_in_a_room(&server, &json!({ "preset": "public_chat" })).await?;
    let mut tracer = Tracer::new(alice, bob, room, StdRng::seed_from_u64(0x00ca_7a21)).await?;
    let mut needles = Needles::default();
    let kept = Kept::new(&server).await?;
    for (number, (place, count)) in places.iter().enumerate() {
        for _ in 0..*count {
            needles.add(&format!("{place:?}"), tracer.leave(*place).await?.as_bytes());
        }
        if number % (places.len() / CHECKPOINTS) == 0 {
            kept.checkpoint(&server).await?;
            // What is in memory goes to the stores, where later values do not overwrite it.
            server.stop_gracefully().await?;
            server.restart().await?;
        }
    }
    ensure!(places.iter().map(|(_, count)| count).sum::<usize>() == 1_000);
    everything_can_be_had(&tracer).await?;
    if end == End::Retention {
        replace_what_is_in_use(&mut tracer).await?;
    }
    let entries = server.verify_log().await?["entries"].as_u64().context("entries")?;
    kept.proofs(&server, entries).await?;

    server.stop_gracefully().await?;
    there_before(&server, &needles, places)?;
    let texts = what_must_not_be_confirmed(&server, &tracer, &mut needles)?;
    match end {
        End::Retention => expire(&mut server, &officers).await?,
        End::Erasure => erase(&mut server, &officers).await?,
    }
    nowhere(&server, &needles)?;
    nothing_confirms(&server, &texts)?;
    kept.still_verify(&server).await?;

    for dir in ["views", "folds"] {
        std::fs::remove_dir_all(server.data_dir().join(dir))?;
    }
    server.restart().await?;
    tracer.bob.send_text(&tracer.room, "and on").await?;
    server.stop_gracefully().await?;
    nowhere(&server, &needles).context("after views and folds were made anew")?;
    server.restart().await?;
    kept.goes_on(&server).await?;
    server.finish().await
}

// ---- what is done ----

async fn officers(server: &Server) -> Result<[MatrixClient; 3]> {
    let people = [
        register(server, "ann").await?,
        register(server, "ben").await?,
        register(server, "dora").await?,
    ];
    let set_up = ["role", "bootstrap", "@ann:localhost", "@ben:localhost"];
    ensure!(server.command(&set_up).await?.status.success(), "no officers");
    let (ann, ben) = (Officer::new(server, &people[0])?, Officer::new(server, &people[1])?);
    let grant = ["role", "grant", "data_protection_officer", "@dora:localhost", WHY[0], WHY[1]];
    let asked = ann.does(&grant).await?["request"].to_string();
    ben.does(&["role", "approve", &asked, WHY[0], WHY[1]]).await?;
    Ok(people)
}

/// What is in use has no end: it is replaced, taken, or was never shown.
async fn replace_what_is_in_use(tracer: &mut Tracer) -> Result<()> {
    let (alice, room) = (&mut tracer.alice, &tracer.room);
    let user = harness::http_client::encode(&alice.user_id);
    alice.set_state(room, "m.room.name", "", &json!({ "name": "plain" })).await?;
    alice.set_state(room, "m.room.topic", "", &json!({ "topic": "plain" })).await?;
    alice.set_state(room, "org.example.state", "key", &json!({})).await?;
    let plain = json!({ "displayname": "plain" });
    alice.put(&format!("/v3/profile/{user}/displayname"), &plain).await?;
    let data = format!("/v3/user/{user}/account_data/org.example.note");
    alice.put(&data, &json!({ "note": "plain" })).await?;
    let named = json!({ "display_name": "plain" });
    alice.put(&format!("/v3/devices/{}", alice.device_id), &named).await?;
    // Messages to a device wait until it has acknowledged them, by syncing on from them.
    for _ in 0..3 {
        alice.sync(0).await?;
    }
    Ok(())
}

/// What was left is served, so that something is there to be destroyed.
async fn everything_can_be_had(tracer: &Tracer) -> Result<()> {
    for (address, bytes) in &tracer.files {
        let answer = tracer.bob.download(address).await?;
        ensure!(answer.status.is_success() && answer.body == bytes.as_bytes(), "{answer}");
    }
    Ok(())
}

/// A run two hours later, on what the server left when it stopped.
async fn expire(server: &mut Server, officers: &[MatrixClient; 3]) -> Result<()> {
    server.restart().await?;
    let file = server.data_dir().join("../brief.toml");
    std::fs::write(&file, POLICY)?;
    let file = file.to_str().context("a plain name")?;
    let ann = Officer::new(server, &officers[0])?;
    ann.does(&[&["policy", "apply", file][..], &WHY].concat()).await?;
    server.stop_gracefully().await?;
    let done = run_later(server, 2 * HOUR_MS).await?;
    ensure!(done.receipt.is_some() && done.orders > 0, "{done:?}");
    Ok(())
}

async fn erase(server: &mut Server, officers: &[MatrixClient; 3]) -> Result<()> {
    server.restart().await?;
    let dora = Officer::new(server, &officers[2])?;
    dora.does(&[&["erasure", "request", "@alice:localhost"][..], &WHY].concat()).await?;
    let receipt = dora.does(&[&["policy", "run"][..], &WHY].concat()).await?;
    ensure!(receipt["restricted"] == 0, "{receipt}");
    for report in receipt["surfaces"].as_array().context("surfaces")? {
        let fine = report["outcome"] == "done" || report["outcome"] == "not_applicable";
        ensure!(fine, "{receipt}");
    }
    server.stop_gracefully().await
}

// ---- what is looked for ----

/// Every entry, opened with the keys that are left. The server is down.
fn opened(server: &Server) -> Result<Vec<Entry>> {
    let log = open_log(server, Arc::new(now))?;
    let mut entries = Vec::new();
    loop {
        let next = LogPosition(entries.len() as u64);
        let more = log.read_range(next, RANGE_ENTRIES_MAX, usize::MAX)?;
        if more.is_empty() {
            log.close();
            return Ok(entries);
        }
        entries.extend(more);
    }
}

fn in_entries(entries: &[Entry], needles: &Needles) -> Found {
    let mut found = Found::new();
    for entry in entries {
        for clear in entry.parts.iter().filter_map(PartContent::clear) {
            let within = needles.within(clear);
            if !within.is_empty() {
                found.insert(format!("position {}", entry.header.position), within);
            }
        }
    }
    found
}

/// Before anything is destroyed the search finds every string, wherever the log has it.
fn there_before(server: &Server, needles: &Needles, places: &[(Place, usize)]) -> Result<()> {
    let found: BTreeSet<String> =
        in_entries(&opened(server)?, needles).into_values().flatten().collect();
    for (place, _) in places {
        let sealed_elsewhere = matches!(place, Place::File | Place::Search);
        let name = format!("{place:?}");
        ensure!(found.contains(&name) != sealed_elsewhere, "{name}: {found:?}");
    }
    Ok(())
}

fn nowhere(server: &Server, needles: &Needles) -> Result<()> {
    let mut found = needles.in_files(&server.data_dir())?;
    found.extend(in_entries(&opened(server)?, needles));
    ensure!(found.is_empty(), "{}", summary(&found));
    Ok(())
}

/// What was found, briefly.
fn summary(found: &Found) -> String {
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (place, names) in found {
        for name in names {
            by_name.entry(name).or_default().push(place);
        }
    }
    let line = |(name, places): (&str, Vec<&str>)| {
        format!("{name} in {} places: {:?}", places.len(), &places[..places.len().min(4)])
    };
    by_name.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// An event of ours as it was, for whoever knows its text and wants to have it confirmed.
struct Text {
    position: LogPosition,
    /// All of it but the salt.
    unsalted: CanonicalJsonObject,
    salted: CanonicalJsonObject,
}

/// Whoever knows a text has its digests; each of them, and every salt, is looked for.
fn what_must_not_be_confirmed(
    server: &Server,
    tracer: &Tracer,
    needles: &mut Needles,
) -> Result<Vec<Text>> {
    let room = RoomId::parse(tracer.room.as_str())?;
    let mut texts = Vec::new();
    for entry in opened(server)? {
        if let Some(Fact::MediaStored(stored)) = entry.fact()? {
            needles.add_digest("digest of a file", &stored.sha256);
            needles.add("key of a file", &stored.blob_key);
        }
        let Some(Fact::PduStored(stored)) = entry.fact()? else { continue };
        let is_message = !stored.is_state;
        let pdu = Pdu::from_stored(&room, &stored)?;
        let is_hers = pdu.sender().as_str() == tracer.alice.user_id;
        if !(is_message && is_hers && pdu.room_id() == room) {
            continue;
        }
        let salted = pdu.json().clone();
        let mut unsalted = salted.clone();
        let salt = unsalted.remove(SALT_KEY).context("our own events are salted")?;
        let salt = salt.as_str().context("a string")?;
        needles.add("salt", salt.as_bytes());
        let content = pdu.content().get();
        for guess in [content.as_bytes(), reference_of(&unsalted, false).as_bytes()] {
            needles.add_digest("digest of a text", &sha256(guess));
        }
        needles.add_digest("digest of a text", &sha256(reference_of(&unsalted, true).as_bytes()));
        if let Some(body) = pdu.content_str("body") {
            needles.add_digest("digest of a text", &sha256(body.as_bytes()));
        }
        for part in entry.parts.iter().skip(1).filter_map(PartContent::clear) {
            needles.add_digest("digest of a sealed part", &sha256(part));
        }
        texts.push(Text { position: entry.header.position, unsalted, salted });
    }
    ensure!(!texts.is_empty(), "nothing was said");
    Ok(texts)
}

/// What a content hash is computed over; with `whole` also what it leaves out.
fn reference_of(pdu: &CanonicalJsonObject, whole: bool) -> String {
    let mut pdu = pdu.clone();
    if !whole {
        for key in ["unsigned", "signatures", "hashes"] {
            pdu.remove(key);
        }
    }
    CanonicalJsonValue::Object(pdu).to_string()
}

/// The hash that the redacted form keeps is the one of the salted text, and of no other; what
/// the log keeps of the sealed part is none of the text's digests.
fn nothing_confirms(server: &Server, texts: &[Text]) -> Result<()> {
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
    };
    let entries = opened(server)?;
    let mut left = 0;
    for text in texts {
        let entry = &entries[usize::try_from(text.position.0)?];
        let Some(Fact::PduStored(stored)) = entry.fact()? else { continue };
        ensure!(stored.content.is_none(), "{} can be read", text.position);
        let redacted: serde_json::Value = serde_json::from_slice(&stored.redacted)?;
        let kept = redacted["hashes"]["sha256"].as_str().context("a content hash")?;
        let hash = |pdu| STANDARD_NO_PAD.encode(sha256(reference_of(pdu, false).as_bytes()));
        // With the salt it is confirmed, which shows that the guess is a right one.
        ensure!(hash(&text.salted) == kept, "{}: {redacted}", text.position);
        ensure!(hash(&text.unsalted) != kept, "{} can be guessed", text.position);
        // The event id is the hash of what is left, and so says no more than that.
        let mut left_of_it: CanonicalJsonObject = serde_json::from_slice(&stored.redacted)?;
        left_of_it.retain(|key, _| !["signatures", "unsigned"].contains(&key.as_str()));
        let id = URL_SAFE_NO_PAD.encode(sha256(reference_of(&left_of_it, true).as_bytes()));
        ensure!(stored.event_id == format!("${id}"), "{}", text.position);
        let whole = CanonicalJsonValue::Object(text.salted.clone()).to_string();
        for part in &entry.header.parts {
            ensure!(part.commitment != sha256(whole.as_bytes()), "{}", text.position);
        }
        left += 1;
    }
    ensure!(left > 0, "no redacted form is left to be looked at");
    Ok(())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

// ---- what a third party keeps ----

struct Kept {
    dir: tempfile::TempDir,
    key: String,
}

impl Kept {
    async fn new(server: &Server) -> Result<Self> {
        let kept = Self { dir: tempfile::tempdir()?, key: ledger(server, &["key"]).await? };
        kept.checkpoint(server).await?;
        Ok(kept)
    }

    fn files(&self, suffix: &str) -> Result<Vec<String>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.dir.path())? {
            let name = entry?.path().display().to_string();
            files.extend(name.ends_with(suffix).then_some(name));
        }
        files.sort();
        Ok(files)
    }

    fn keep(&self, name: &str, text: &str) -> Result<()> {
        Ok(std::fs::write(self.dir.path().join(name), text)?)
    }

    async fn checkpoint(&self, server: &Server) -> Result<()> {
        let number = self.files(".checkpoint")?.len();
        self.keep(&format!("{number}.checkpoint"), &ledger(server, &["checkpoint"]).await?)
    }

    /// Proofs of entries all over the log.
    async fn proofs(&self, server: &Server, entries: u64) -> Result<()> {
        for part in 1..10 {
            let position = (entries * part / 10).to_string();
            let proof = prove(server, &position).await?;
            self.keep(&format!("{position}.tlog-proof"), &proof)?;
        }
        Ok(())
    }

    /// The data directory against every checkpoint, and every proof. The server is down.
    async fn still_verify(&self, server: &Server) -> Result<()> {
        let data_dir = server.data_dir().display().to_string();
        let checkpoints = self.files(".checkpoint")?;
        ensure!(checkpoints.len() > CHECKPOINTS, "{checkpoints:?}");
        for checkpoint in &checkpoints {
            self.verify(&[&data_dir, "--checkpoint", checkpoint])?;
        }
        for proof in self.files(".tlog-proof")? {
            self.verify(&[&proof])?;
        }
        server.verify_log().await?;
        Ok(())
    }

    /// A checkpoint of now goes on from every earlier one.
    async fn goes_on(&self, server: &Server) -> Result<()> {
        let earlier = self.files(".checkpoint")?;
        self.checkpoint(server).await?;
        let latest = self.files(".checkpoint")?;
        let now = latest.iter().find(|file| !earlier.contains(file)).context("a new one")?;
        for old in &earlier {
            let sizes = [size(old)?, size(now)?];
            let proof = ledger(server, &["consistency", &sizes[0], &sizes[1]]).await?;
            self.keep("consistency", &proof)?;
            let proof = self.dir.path().join("consistency").display().to_string();
            self.verify(&[now, "--earlier", old, "--consistency", &proof])?;
        }
        Ok(())
    }

    fn verify(&self, arguments: &[&str]) -> Result<()> {
        let all = [&["verify", "--json", "--key", self.key.trim()], arguments].concat();
        let output = Command::new(binary()).args(&all).output()?;
        ensure!(output.status.success(), "{arguments:?}: {output:?}");
        Ok(())
    }
}

/// The second line of a checkpoint.
fn size(checkpoint: &str) -> Result<String> {
    let text = std::fs::read_to_string(Path::new(checkpoint))?;
    Ok(text.lines().nth(1).context("a size")?.to_owned())
}

/// Asks until the checkpoint covers the position; each question takes a process.
async fn prove(server: &Server, position: &str) -> Result<String> {
    let mut asked = ledger(server, &["prove", position]).await;
    for _ in 0..200 {
        if asked.is_ok() {
            break;
        }
        asked = ledger(server, &["prove", position]).await;
    }
    asked
}

async fn ledger(server: &Server, arguments: &[&str]) -> Result<String> {
    let output = server.command(&[&["ledger"], arguments].concat()).await?;
    ensure!(output.status.success(), "{arguments:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}
