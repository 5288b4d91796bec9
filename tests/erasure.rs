//! A person is erased by an officer's command line: hidden at once, destroyed by the next run, kept
//! as far as a hold goes, and afterwards nowhere: in no file, and under no key that is left.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/officer.rs"]
#[expect(dead_code, reason = "nobody is refused here")]
mod officer;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use event_log::{Log, LogOptions, RANGE_ENTRIES_MAX, SystemRandom};
use facts::{LogPosition, Timestamp};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
    timeline, two_in_a_room,
};
use officer::Officer;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

/// Of each of the two.
const MESSAGES: u32 = 40;
/// A run lives for so long, at most, before it is killed.
const LIFE_MS: u64 = 400;
const KILLS_MAX: u64 = 8;
const CANARY: &str = "canaryqzx";
const WHY: [&str; 3] = ["--reason", "because", "--yes"];

struct People {
    alice: MatrixClient,
    bob: MatrixClient,
    ann: MatrixClient,
    ben: MatrixClient,
    dora: MatrixClient,
    room: String,
    /// A room that will be held.
    held: String,
}

/// What Alice left behind.
struct Left {
    events: Vec<String>,
    held_event: String,
    media: String,
}

/// The canary with a number, so that each place has one of its own.
fn canary(number: u32) -> String {
    format!("{CANARY}{number}")
}

async fn people(server: &Server) -> Result<People> {
    let (alice, bob, room) = two_in_a_room(server, &json!({ "preset": "public_chat" })).await?;
    let held = bob.create_room(&json!({ "preset": "public_chat" })).await?;
    alice.join(&held).await?;
    let ann = register(server, "ann").await?;
    let ben = register(server, "ben").await?;
    let dora = register(server, "dora").await?;
    let set_up = ["role", "bootstrap", "@ann:localhost", "@ben:localhost"];
    ensure!(server.command(&set_up).await?.status.success(), "no officers");
    let (one, other) = (Officer::new(server, &ann)?, Officer::new(server, &ben)?);
    let grant = ["role", "grant", "data_protection_officer", "@dora:localhost", WHY[0], WHY[1]];
    let asked = one.does(&grant).await?["request"].to_string();
    other.does(&["role", "approve", &asked, WHY[0], WHY[1]]).await?;
    Ok(People { alice, bob, ann, ben, dora, room, held })
}

/// Alice writes the canary wherever a person can write something.
async fn leave_traces(people: &mut People) -> Result<Left> {
    let (alice, room) = (&mut people.alice, &people.room);
    let user = encode(&alice.user_id);
    let name = json!({ "displayname": canary(1) });
    alice.put(&format!("/v3/profile/{user}/displayname"), &name).await?;
    let device = text(&alice.get("/v3/account/whoami").await?, "device_id")?;
    let named = json!({ "display_name": canary(2) });
    alice.put(&format!("/v3/devices/{}", encode(&device)), &named).await?;
    let note = json!({ "note": canary(3) });
    alice.put(&format!("/v3/user/{user}/account_data/org.example.note"), &note).await?;
    let said = alice.send_text(room, &canary(4)).await?;
    let edit = json!({
        "msgtype": "m.text",
        "body": canary(5),
        "m.new_content": { "msgtype": "m.text", "body": canary(6) },
        "m.relates_to": { "rel_type": "m.replace", "event_id": said },
    });
    let edit =
        text(&alice.send_under(room, "m.room.message", "e", &edit).await?.ok()?, "event_id")?;
    let relates = json!({ "rel_type": "m.annotation", "event_id": said, "key": canary(7) });
    let reaction = json!({ "m.relates_to": relates });
    let reaction = alice.send_under(room, "m.reaction", "r", &reaction).await?.ok()?;
    let media = alice.upload("text/plain", canary(8).as_bytes()).await?;
    let file = json!({ "msgtype": "m.file", "body": canary(9), "url": media });
    let file = alice.send_under(room, "m.room.message", "f", &file).await?.ok()?;
    let to_bob = json!({ "messages": { "@bob:localhost": { "*": { "body": canary(10) } } } });
    alice.put("/v3/sendToDevice/org.example.hello/t1", &to_bob).await?;
    let held_event = alice.send_text(&people.held, &canary(11)).await?;
    let reaction = text(&reaction, "event_id")?;
    let file = text(&file, "event_id")?;
    Ok(Left { events: vec![said, edit, reaction, file], held_event, media })
}

/// What Bob sees of Alice's events in both rooms.
async fn seen(people: &People, left: &Left) -> Result<()> {
    let mut bob = people.bob.clone();
    bob.since = None;
    let sync = bob.sync(0).await?;
    for (room, ids) in
        [(&people.room, &left.events[..]), (&people.held, std::slice::from_ref(&left.held_event))]
    {
        let history = bob.history(room, 50).await?;
        for events in [&history[..], timeline::timeline_of(&sync, "join", room)] {
            ensure!(!Value::from(events).to_string().contains(CANARY), "shown: {events:?}");
            for id in ids {
                let event = events.iter().find(|event| event["event_id"] == id.as_str());
                let event = event.with_context(|| format!("{id} is not there in redacted form"))?;
                ensure!(event["content"] == json!({}), "{event}");
            }
        }
    }
    let to_device = sync["to_device"]["events"].to_string();
    let rest = sync.to_string().replace(&to_device, "");
    ensure!(!rest.contains(CANARY), "shown by /sync: {rest}");
    bob.download(&left.media).await?.refused(404, "M_NOT_FOUND")?;
    let members = bob.get(&format!("/v3/rooms/{}/members", encode(&people.room))).await?;
    ensure!(!members.to_string().contains(CANARY), "{members}");
    Ok(())
}

/// Rooms, roles and people go on to know somebody by that name.
async fn is_still_given(server: &Server, name: &str) -> Result<()> {
    let refused = register(server, name).await.err().context("the name was given again")?;
    ensure!(format!("{refused:?}").contains("M_USER_IN_USE"), "{refused:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_nowhere_and_what_is_held_stays_until_it_is_released() -> Result<()> {
    let mut server = Server::start().await?;
    let mut people = people(&server).await?;
    let left = leave_traces(&mut people).await?;
    let (ann, ben) = (Officer::new(&server, &people.ann)?, Officer::new(&server, &people.ben)?);
    let dora = Officer::new(&server, &people.dora)?;
    let hold = ["hold", "place", "--matter", "inquiry 7", "--room", &people.held];
    let hold = ann.does(&[&hold[..], &WHY].concat()).await?["hold"].to_string();

    let request = ["erasure", "request", "@alice:localhost"];
    dora.does(&[&request[..], &WHY].concat()).await?;
    seen(&people, &left).await.context("hidden at once")?;
    let receipt = dora.does(&[&["policy", "run"][..], &WHY].concat()).await?;
    ensure!(receipt["restricted"].as_u64() > Some(0), "{receipt}");
    ensure!(receipt["by"]["user"] == "@dora:localhost", "{receipt}");
    seen(&people, &left).await.context("after the run")?;
    let under_way = dora.does(&["erasure", "list"]).await?;
    ensure!(under_way["erasures"][0]["user"] == "@alice:localhost", "{under_way}");
    // What is held can be read in a case, and what is not held cannot.
    let case = open_case(&ann, &ben, &people).await?;
    let read = String::from_utf8(ann.run(&["case", "read", &case]).await?.stdout)?;
    ensure!(read.contains(&canary(11)) && !read.contains(&canary(4)), "{read}");

    let release = ann.does(&[&["hold", "release", &hold][..], &WHY].concat()).await?;
    let asked = release["request"].to_string();
    ben.does(&[&["hold", "approve-release", &asked][..], &WHY].concat()).await?;
    let receipt = ann.does(&[&["policy", "run"][..], &WHY].concat()).await?;
    ensure!(receipt["restricted"] == 0, "{receipt}");
    for report in receipt["surfaces"].as_array().context("surfaces")? {
        let fine = report["outcome"] == "done" || report["outcome"] == "not_applicable";
        ensure!(fine, "{receipt}");
    }
    ensure!(dora.does(&["erasure", "list"]).await?["erasures"] == json!([]), "it is over");
    let proof = ann.run(&["policy", "receipts"]).await?;
    ensure!(String::from_utf8(proof.stdout)?.contains("proof: chancery ledger prove"), "no proof");
    seen(&people, &left).await.context("released")?;
    is_still_given(&server, "alice").await?;

    server.verify_log().await?;
    server.stop_gracefully().await?;
    nowhere_in_files(&server.data_dir())?;
    under_no_key(&server, &[&canary(10)])?;
    for dir in ["views", "folds"] {
        std::fs::remove_dir_all(server.data_dir().join(dir))?;
    }
    server.restart().await?;
    seen(&people, &left).await.context("views and folds rebuilt")?;
    is_still_given(&server, "alice").await?;
    people.bob.send_text(&people.room, "and on").await?;
    server.finish().await
}

/// A run is killed at random moments; whatever was ordered is finished, nothing else goes, and in
/// the end a run comes to its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_goes_on() -> Result<()> {
    let mut random = StdRng::seed_from_u64(0x00c0_ffee);
    let mut server = Server::start().await?;
    let mut people = people(&server).await?;
    let mut left = leave_traces(&mut people).await?;
    for number in 0..MESSAGES {
        left.events.push(people.alice.send_text(&people.room, &canary(100 + number)).await?);
        people.bob.send_text(&people.room, &format!("bob {number}")).await?;
    }
    let request = ["erasure", "request", "@alice:localhost"];
    Officer::new(&server, &people.dora)?.does(&[&request[..], &WHY].concat()).await?;
    let mut kills = 0;
    loop {
        let dora = Officer::new(&server, &people.dora)?;
        dora.does(&[&["policy", "run", "--no-wait"][..], &WHY].concat()).await?;
        let life = Duration::from_millis(random.random_range(0..LIFE_MS) * kills.min(4) / 4);
        tokio::time::sleep(life).await;
        server.kill_9().await?;
        server.verify_log().await?;
        server.restart().await?;
        kills += 1;
        let dora = Officer::new(&server, &people.dora)?;
        let under_way = dora.does(&["erasure", "list"]).await?;
        if under_way["erasures"] == json!([]) {
            break;
        }
        if kills == KILLS_MAX {
            dora.does(&[&["policy", "run"][..], &WHY].concat()).await?;
            ensure!(dora.does(&["erasure", "list"]).await?["erasures"] == json!([]), "not over");
            break;
        }
    }
    let receipts = Officer::new(&server, &people.dora)?.does(&["policy", "receipts"]).await?;
    ensure!(receipts["receipts"] != json!([]), "no receipt: {receipts}");
    let history = people.bob.history(&people.room, 100).await?;
    let his = history.iter().filter(|event| event["content"]["body"].is_string());
    ensure!(his.count() == MESSAGES as usize, "what is Bob's went too: {history:?}");
    server.stop_gracefully().await?;
    under_no_key(&server, &[&canary(10)])
}

async fn open_case(ann: &Officer<'_>, ben: &Officer<'_>, people: &People) -> Result<String> {
    let scope = ["case", "open", "--room", &people.room, "--room", &people.held];
    let expires = (now().0 + 7 * 86_400_000).to_string();
    let until = ["--expires", &expires, WHY[0], WHY[1]];
    let case = ann.does(&[&scope[..], &until].concat()).await?;
    let case = case["case"].to_string();
    ben.does(&["case", "approve", &case, WHY[0], WHY[1]]).await?;
    Ok(case)
}

/// No byte of any file is the canary.
fn nowhere_in_files(dir: &Path) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            nowhere_in_files(&path)?;
        } else if path.is_file() {
            let bytes = std::fs::read(&path)?;
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            ensure!(!found, "the canary is in {}", path.display());
        }
    }
    Ok(())
}

/// No part that can still be opened holds the canary, but for what is others': a message that Bob
/// received is Bob's.
fn under_no_key(server: &Server, of_others: &[&str]) -> Result<()> {
    let options = LogOptions::new(server.data_dir(), "localhost");
    let log = Log::open(options, Arc::new(now), Arc::new(SystemRandom))?;
    for entry in log.read_range(LogPosition(0), RANGE_ENTRIES_MAX, usize::MAX)? {
        for clear in entry.parts.iter().filter_map(event_log::PartContent::clear) {
            let mut clear = String::from_utf8_lossy(clear).into_owned();
            for own in of_others {
                clear = clear.replace(own, "");
            }
            let position = entry.header.position;
            ensure!(!clear.contains(CANARY), "{position} can be read: {clear}");
        }
    }
    log.close();
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the log under test goes on in real time")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or_default())
}
