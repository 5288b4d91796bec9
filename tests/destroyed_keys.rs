//! What is destroyed in the log stays destroyed for everybody who asks the server: a person's key
//! tree (erasure), or a prefix of a room's messages (retention). The room goes on, and a keyring
//! out of a backup brings nothing back.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path, sync::Arc, time::SystemTime};

use anyhow::{Context, Result, ensure};
use event_log::{Log, LogOptions, Scavenging, ShredReceipt, ShredRequest, SystemRandom};
use facts::{
    EntryHeader, Fact, KeyEpoch, LogPosition, RecordClass, StreamId, Timestamp,
    fact::{KeyRange, ShredCause, SurfaceOutcome},
};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
    timeline, two_in_a_room,
};
use serde_json::{Value, json};

/// Stands in every message of Alice.
const CANARY: &str = "canaryerasedqzx";
const ROOM_NAME: &str = "the same old room";
const MESSAGES: usize = 20;

/// What Bob uploads.
const HIS_FILE: &[u8] = b"minutes of a meeting";

/// Long enough that what is scavenged shows in the size of the segments.
const PADDING: usize = 2_000;

/// What was said before anything is destroyed.
struct Told {
    alice: MatrixClient,
    bob: MatrixClient,
    room: String,
    hers: Vec<String>,
    his: Vec<String>,
    her_media: String,
    his_media: String,
}

/// What is to be seen after a destruction.
struct Fate {
    /// Events in redacted form.
    gone: Vec<String>,
    /// Alice's media are destroyed.
    media_gone: bool,
}

async fn tell(server: &Server) -> Result<Told> {
    let options = json!({ "preset": "public_chat", "name": ROOM_NAME });
    let (mut alice, mut bob, room) = two_in_a_room(server, &options).await?;
    let (mut hers, mut his) = (Vec::new(), Vec::new());
    for number in 0..MESSAGES {
        let body = format!("{CANARY} {number} {}", "a".repeat(PADDING));
        hers.push(alice.send_text(&room, &body).await?);
        his.push(bob.send_text(&room, &format!("bob {number}")).await?);
    }
    let path = format!("/v3/rooms/{}/redact/{}/r1", encode(&room), encode(&hers[0]));
    alice.put(&path, &json!({ "reason": CANARY })).await?;
    let her_media = alice.upload("text/plain", CANARY.as_bytes()).await?;
    let his_media = bob.upload("text/plain", HIS_FILE).await?;
    let picture = json!({ "msgtype": "m.file", "body": CANARY, "url": her_media });
    let sent = alice.send_under(&room, "m.room.message", "file", &picture).await?.ok()?;
    hers.push(text(&sent, "event_id")?);
    Ok(Told { alice, bob, room, hers, his, her_media, his_media })
}

fn open(server: &Server) -> Result<Log> {
    let options = LogOptions::new(server.data_dir(), "localhost");
    Ok(Log::open(options, Arc::new(now), Arc::new(SystemRandom))?)
}

#[expect(clippy::disallowed_methods, reason = "the log under test goes on in real time")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or_default())
}

/// The number of the stream that was opened under `name`.
fn stream_of(log: &Log, name: &str) -> Result<StreamId> {
    for entry in log.read_range(LogPosition(0), event_log::RANGE_ENTRIES_MAX, usize::MAX)? {
        if let Some(Fact::StreamOpened(opened)) = entry.fact()?
            && opened.name == name
        {
            return Ok(entry.header.stream);
        }
    }
    anyhow::bail!("no stream is named {name}")
}

/// Headers of entries that have the content of a message.
fn messages(log: &Log) -> Result<Vec<EntryHeader>> {
    let entries = log.read_raw_range(LogPosition(0), event_log::RANGE_ENTRIES_MAX, usize::MAX)?;
    let headers = entries.into_iter().map(|entry| entry.header);
    Ok(headers.filter(|header| content(header).is_some()).collect())
}

fn content(header: &EntryHeader) -> Option<&facts::PartHeader> {
    header.parts.iter().find(|part| part.class == RecordClass::MessageContent)
}

fn leaves(tree: u32, leaf_last: u32) -> KeyRange {
    KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(u32::MAX),
        tree,
        leaf_first: 0,
        leaf_last,
    }
}

/// Orders the destruction while the server is down, and looks at what became of it.
fn destroy(server: &Server, range: KeyRange, cause: ShredCause) -> Result<ShredReceipt> {
    let log = open(server)?;
    let request = ShredRequest {
        ranges: vec![range],
        cause,
        expects: Vec::new(),
        scavenging: Scavenging::All,
    };
    let receipt = log.order_shred(request, |_| Vec::new())?;
    let all_done = receipt.reports.iter().all(|report| report.outcome == SurfaceOutcome::Done);
    ensure!(all_done, "{receipt:?}");
    ensure!(log.scavenge()? == (0, 0), "ciphertext was left");
    log.close();
    Ok(receipt)
}

/// With the keyring of before in its place: once the log is open nothing of Alice can be read, and
/// the keyring on disk is not the one that was put there.
fn old_keyring_is_destroyed_before_the_first_read(
    server: &Server,
    alice: StreamId,
    backup: &Path,
) -> Result<()> {
    let keyring = server.data_dir().join("keyring");
    fs::remove_dir_all(&keyring)?;
    copy_files(backup, &keyring)?;
    ensure!(files(&keyring)? == files(backup)?, "the keyring of before was put there");
    let log = open(server)?;
    let (mut messages, mut media) = (0, 0);
    for entry in log.read_range(LogPosition(0), event_log::RANGE_ENTRIES_MAX, usize::MAX)? {
        if entry.header.actor != alice && entry.header.stream != alice {
            continue;
        }
        for (part, content) in entry.header.parts.iter().zip(&entry.parts) {
            let counted = match part.class {
                RecordClass::MessageContent => &mut messages,
                RecordClass::Media => &mut media,
                _ => continue,
            };
            *counted += 1;
            ensure!(content.clear().is_none(), "{} can be read", entry.header.position);
        }
    }
    ensure!(messages > MESSAGES && media == 1, "{messages} messages, {media} media");
    ensure!(files(&keyring)? != files(backup)?, "the keyring of before is still there");
    log.close();
    Ok(())
}

/// Names and bytes of the files in a directory.
fn files(dir: &Path) -> Result<BTreeMap<OsString, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        files.insert(entry.file_name(), fs::read(entry.path())?);
    }
    Ok(files)
}

fn segment_bytes(server: &Server) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(server.data_dir().join("log/segments"))? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// No byte of any file of the server is the canary.
fn nowhere_in_clear(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            nowhere_in_clear(&path)?;
        } else if path.is_file() {
            // What is left out is the operator's socket.
            let bytes = fs::read(&path)?;
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            ensure!(!found, "the canary is in {}", path.display());
        }
    }
    Ok(())
}

/// As `reader` sees the room from scratch: `gone` in redacted form, `kept` whole.
async fn look(reader: &MatrixClient, room: &str, gone: &[String], kept: &[String]) -> Result<()> {
    let mut reader = reader.clone();
    reader.since = None;
    let filter = encode(r#"{"room":{"timeline":{"limit":100}}}"#);
    let sync = reader.sync_with(0, &format!("&filter={filter}")).await?;
    check(timeline::timeline_of(&sync, "join", room), gone, kept).context("/sync")?;
    for limit in [3, 100] {
        let walked = reader.history(room, limit).await?;
        check(&walked, gone, kept).with_context(|| format!("/messages by {limit}"))?;
    }
    let place = encode(room);
    for id in gone {
        let event = reader.get(&format!("/v3/rooms/{place}/event/{}", encode(id))).await?;
        ensure!(event["content"] == json!({}), "{event}");
    }
    let name = reader.state(room, "m.room.name", "").await?;
    ensure!(name["name"] == ROOM_NAME, "the name went: {name}");
    Ok(())
}

/// Whether Alice's media can be downloaded; Bob's can.
async fn download(reader: &MatrixClient, told: &Told, gone: bool) -> Result<()> {
    let hers = reader.download(&told.her_media).await?;
    if gone {
        hers.refused(404, "M_NOT_FOUND")?;
    } else {
        ensure!(hers.status.is_success() && hers.body == CANARY.as_bytes(), "{hers}");
    }
    let his = reader.download(&told.his_media).await?;
    ensure!(his.status.is_success() && his.body == HIS_FILE, "{his}");
    Ok(())
}

fn check(events: &[Value], gone: &[String], kept: &[String]) -> Result<()> {
    let find = |id: &String| {
        let mut found = events.iter().filter(|event| event["event_id"] == id.as_str());
        let event = found.next().with_context(|| format!("{id} is not there at all"))?;
        ensure!(found.next().is_none(), "{id} is there twice");
        anyhow::Ok(event)
    };
    for id in gone {
        let event = find(id)?;
        ensure!(event["content"] == json!({}), "still readable: {event}");
        ensure!(event["type"] == "m.room.message" && event["sender"].is_string(), "{event}");
    }
    for id in kept {
        let event = find(id)?;
        ensure!(event["content"]["body"].is_string(), "gone as well: {event}");
    }
    Ok(())
}

/// The room takes messages and members as if nothing had happened.
async fn goes_on(server: &Server, told: &mut Told, guest: &str) -> Result<()> {
    let sent = told.bob.send_text(&told.room, &format!("and on, {guest}")).await?;
    told.his.push(sent);
    let mut guest = register(server, guest).await?;
    guest.join(&told.room).await?;
    let said = guest.send_text(&told.room, "hello").await?;
    told.his.push(said.clone());
    let seen = |sync: &Value| {
        let events = timeline::timeline_of(sync, "join", &told.room);
        events.iter().any(|event| event["event_id"] == said.as_str())
    };
    told.bob.sync_until("the guest's message", seen).await?;
    guest.since = None;
    guest.sync(0).await?;
    Ok(())
}

/// Bob sees what he may and nothing else.
async fn seen(told: &Told, fate: &Fate) -> Result<()> {
    look(&told.bob, &told.room, &fate.gone, &told.his).await?;
    download(&told.bob, told, fate.media_gone).await
}

/// All that must hold after a destruction, with the views as they were, without them, and with
/// the keyring of before.
async fn stays_destroyed(
    mut server: Server,
    mut told: Told,
    fate: &Fate,
    backup: &Path,
) -> Result<()> {
    server.verify_log().await?;
    nowhere_in_clear(&server.data_dir())?;
    server.restart().await?;
    seen(&told, fate).await.context("views kept")?;
    goes_on(&server, &mut told, "carol").await?;
    server.stop_gracefully().await?;
    for dir in ["views", "folds"] {
        fs::remove_dir_all(server.data_dir().join(dir))?;
    }
    server.restart().await?;
    seen(&told, fate).await.context("views rebuilt")?;
    goes_on(&server, &mut told, "dave").await?;
    server.stop_gracefully().await?;
    let keyring = server.data_dir().join("keyring");
    fs::remove_dir_all(&keyring)?;
    copy_files(backup, &keyring)?;
    for dir in ["views", "folds"] {
        fs::remove_dir_all(server.data_dir().join(dir))?;
    }
    server.restart().await?;
    seen(&told, fate).await.context("older keyring")?;
    goes_on(&server, &mut told, "erin").await?;
    nowhere_in_clear(&server.data_dir())?;
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_redacted_for_others_and_an_old_keyring_brings_nothing_back()
-> Result<()> {
    let mut server = Server::start().await?;
    let told = tell(&server).await?;
    look(&told.bob, &told.room, &[], &told.hers[1..]).await?;
    download(&told.bob, &told, false).await?;
    server.stop_gracefully().await?;
    let backup = tempfile::tempdir()?;
    copy_files(&server.data_dir().join("keyring"), backup.path())?;
    let log = open(&server)?;
    let alice = stream_of(&log, &told.alice.user_id)?;
    let hers: Vec<_> = messages(&log)?.into_iter().filter(|header| header.actor == alice).collect();
    ensure!(hers.len() >= told.hers.len(), "{} entries of Alice", hers.len());
    let parts: Vec<_> = hers.iter().filter_map(content).collect();
    let tree = parts[0].person_tree;
    ensure!(parts.iter().all(|part| part.person_tree == tree), "a person has one tree");
    let sealed: u64 = parts.iter().map(|part| u64::from(part.length)).sum();
    log.close();
    drop(log);
    let before = segment_bytes(&server)?;
    destroy(&server, leaves(tree.0, u32::MAX), ShredCause::Erasure)?;
    let after = segment_bytes(&server)?;
    ensure!(after + sealed / 2 < before, "{before} bytes became {after}, {sealed} were to go");
    old_keyring_is_destroyed_before_the_first_read(&server, alice, backup.path())?;
    let fate = Fate { gone: told.hers.clone(), media_gone: true };
    stays_destroyed(server, told, &fate, backup.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_of_a_rooms_messages_is_redacted_for_all_and_the_rest_stays() -> Result<()> {
    let mut server = Server::start().await?;
    let mut told = tell(&server).await?;
    server.stop_gracefully().await?;
    let backup = tempfile::tempdir()?;
    copy_files(&server.data_dir().join("keyring"), backup.path())?;
    let log = open(&server)?;
    let room = stream_of(&log, &told.room)?;
    let said: Vec<_> = messages(&log)?.into_iter().filter(|header| header.stream == room).collect();
    // The first half of the conversation, in which each said one thing in turn.
    let last = &said[MESSAGES - 1];
    let tree = content(last).context("filtered by it")?.stream_tree;
    let leaf = u32::try_from(last.revision.0)?;
    log.close();
    drop(log);
    let before = segment_bytes(&server)?;
    destroy(&server, leaves(tree.0, leaf), ShredCause::Retention)?;
    ensure!(segment_bytes(&server)? < before, "no ciphertext went");
    let mut gone = told.hers[..MESSAGES / 2].to_vec();
    gone.extend(told.his.drain(..MESSAGES / 2));
    // What Alice said later is there, as is what Bob did.
    told.his.extend_from_slice(&told.hers[MESSAGES / 2..]);
    let fate = Fate { gone, media_gone: false };
    stays_destroyed(server, told, &fate, backup.path()).await
}
