//! Two people on matrix-sdk with its real encryption and its SQLite stores: they register, verify
//! each other and talk in an encrypted room; the server is killed in the middle and comes back.
//! Nothing that was acknowledged may be missing at the other, nothing may be there twice, nothing
//! unreadable; the same holds for an initial sync afterwards.
//!
//! `CHANCERY=path/to/chancery cargo run --ignore-rust-version`

mod person;
mod server;
mod verification;
mod wait;

use std::path::Path;
use std::process::ExitCode;

use matrix_sdk::RoomState;
use matrix_sdk::attachment::AttachmentConfig;
use matrix_sdk::ruma::api::client::receipt::create_receipt::v3::ReceiptType as SentReceipt;
use matrix_sdk::ruma::api::client::room::create_room;
use matrix_sdk::ruma::events::InitialStateEvent;
use matrix_sdk::ruma::events::receipt::{ReceiptThread, ReceiptType};
use matrix_sdk::ruma::events::room::MediaSource;
use matrix_sdk::ruma::events::room::encryption::RoomEncryptionEventContent;
use matrix_sdk::ruma::events::room::message::MessageType;
use matrix_sdk::ruma::{OwnedEventId, OwnedRoomId, RoomId, UInt};
use tokio::task::JoinSet;

use crate::person::{Absent, Person, say};
use crate::server::Server;
use crate::verification::verify_each_other;
use crate::wait::Bell;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const FILE_BYTES: usize = 150_000;
/// Messages on their way at once when the server is killed.
const BURST: usize = 8;

/// What was acknowledged. The messages of one group were sent at once and may have any order.
type Said = Vec<Vec<(OwnedEventId, String)>>;

fn step(what: &str) {
    println!("- {what}");
}

fn check(holds: bool, what: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(what().into()) }
}

async fn meet(alice: &Person, bob: &Person) -> Result<OwnedRoomId> {
    let mut request = create_room::v3::Request::new();
    request.preset = Some(create_room::v3::RoomPreset::TrustedPrivateChat);
    request.is_direct = true;
    request.invite = vec![bob.id.clone()];
    let mut encryption = RoomEncryptionEventContent::with_recommended_defaults();
    // Each try encrypts anew, and the SDK panics when messages that are sent at once pass the limit
    // of one session (100 by default).
    encryption.rotation_period_msgs = Some(UInt::from(10_000_u32));
    request.initial_state = vec![InitialStateEvent::with_empty_state_key(encryption).to_raw_any()];
    let room = alice.client.create_room(request).await?.room_id().to_owned();
    bob.room(&room, RoomState::Invited).await?.join().await?;
    alice.sees_joined(&room, &bob.id).await?;
    bob.sees_joined(&room, &alice.id).await?;
    Ok(room)
}

async fn talk(
    alice: &Person,
    bob: &Person,
    room: &RoomId,
    numbers: std::ops::Range<usize>,
    said: &mut Said,
) -> Result<()> {
    for number in numbers {
        for (one, other) in [(alice, bob), (bob, alice)] {
            let text = format!("{} {number}", one.name);
            let id = one.say(room, &text).await?;
            let message = other.reads(room, &text).await?;
            check(message.id == id, || format!("{text:?} is {} instead of {id}", message.id))?;
            check(message.encrypted, || format!("{text:?} went in clear"))?;
            said.push(vec![(id, text)]);
        }
    }
    Ok(())
}

async fn send_file(from: &Person, to: &Person, room: &RoomId, said: &mut Said) -> Result<()> {
    let clear: Vec<u8> = (0..=250).cycle().take(FILE_BYTES).collect();
    let name = format!("charter of {}.pdf", from.name);
    let kind = "application/pdf".parse()?;
    let local = from.client.get_room(room).ok_or("no such room")?;
    let sent = local.send_attachment(&name, &kind, clear.clone(), AttachmentConfig::new()).await?;
    let message = to.reads(room, &name).await?;
    let event = message.event.ok_or("unreadable")?;
    let MessageType::File(file) = event.content.msgtype else {
        return Err(format!("{name:?} is not a file").into());
    };
    check(matches!(file.source, MediaSource::Encrypted(_)), || format!("{name:?} went in clear"))?;
    let received = to.client.media().get_file(&file, false).await?;
    check(received.as_ref() == Some(&clear), || format!("{name:?} came with other bytes"))?;
    said.push(vec![(sent.event_id, name)]);
    Ok(())
}

async fn typing(from: &Person, to: &Person, room: &RoomId) -> Result<()> {
    let local = from.client.get_room(room).ok_or("no such room")?;
    local.typing_notice(true).await?;
    to.bell.until_true("typing", async || Ok(to.sees_typing(&from.id))).await?;
    local.typing_notice(false).await?;
    to.bell.until_true("the end of typing", async || Ok(!to.sees_typing(&from.id))).await
}

async fn receipt(from: &Person, to: &Person, room: &RoomId, said: &Said) -> Result<()> {
    let (id, _) = said.last().and_then(|group| group.last()).ok_or("nothing was said")?;
    let local = from.client.get_room(room).ok_or("no such room")?;
    local.send_single_receipt(SentReceipt::Read, ReceiptThread::Unthreaded, id.clone()).await?;
    let remote = to.client.get_room(room).ok_or("no such room")?;
    to.bell
        .until_true("the receipt", async || {
            let thread = ReceiptThread::Unthreaded;
            let found = remote.load_user_receipt(ReceiptType::Read, &thread, &from.id).await?;
            Ok(found.is_some_and(|(event, _)| event == *id))
        })
        .await
}

/// Kills the server with messages on their way and brings it back: at once, or after the first
/// of them was acknowledged. Each is sent until it is acknowledged, with its transaction id.
async fn cut(
    server: &mut Server,
    (from, to): (&Person, &Person),
    room: &RoomId,
    what: &str,
    after_first: bool,
    said: &mut Said,
) -> Result<()> {
    let local = from.client.get_room(room).ok_or("no such room")?;
    let mut sending = JoinSet::new();
    for number in 0..BURST {
        let (local, name, text) = (local.clone(), from.name.clone(), format!("{what} {number}"));
        sending.spawn(async move { say(&local, &name, &text).await.map(|id| (id, text)) });
    }
    let mut group = Vec::new();
    if after_first {
        group.push(sending.join_next().await.ok_or("nothing is sent")???);
    }
    server.kill9().await?;
    server.launch().await?;
    while let Some(sent) = sending.join_next().await {
        group.push(sent??);
    }
    for (id, text) in &group {
        let message = to.reads(room, text).await?;
        check(message.id == *id, || format!("{text:?} is {} instead of {id}", message.id))?;
    }
    said.push(group);
    Ok(())
}

/// Everything that was acknowledged is there once, in its order and readable, and nothing else.
async fn complete(person: &Person, room: &RoomId, said: &Said) -> Result<()> {
    let last = said.last().and_then(|group| group.last()).ok_or("nothing was said")?;
    person.reads(room, &last.1).await?;
    let messages = person.messages(room).await?;
    let name = &person.name;
    check(person.gaps() == 0, || format!("{} gaps in the syncs of {name}", person.gaps()))?;
    let mut rest = messages.iter().map(|message| (message.id.as_str(), message.body()));
    for group in said {
        let mut found: Vec<_> = rest.by_ref().take(group.len()).collect();
        let mut sent: Vec<_> =
            group.iter().map(|(id, text)| (id.as_str(), Some(text.as_str()))).collect();
        found.sort_unstable();
        sent.sort_unstable();
        check(found == sent, || format!("at {name}: sent {sent:?}, found {found:?}"))?;
    }
    let more: Vec<_> = rest.collect();
    check(more.is_empty(), || format!("at {name}, not sent or doubled: {more:?}"))
}

/// Both have the room's messages in one order.
async fn same_order(alice: &Person, bob: &Person, room: &RoomId) -> Result<()> {
    let left: Vec<_> = alice.messages(room).await?.into_iter().map(|message| message.id).collect();
    let right: Vec<_> = bob.messages(room).await?.into_iter().map(|message| message.id).collect();
    check(left == right, || format!("orders differ:\n{left:?}\n{right:?}"))
}

async fn conversation(
    server: &mut Server,
    bell: &Bell,
) -> Result<(OwnedRoomId, Said, [Absent; 2])> {
    let (url, dir) = (server.url(), server.dir().to_owned());
    let alice = Person::register(&url, &dir, bell, "alice").await?;
    let bob = Person::register(&url, &dir, bell, "bob").await?;
    step("both are registered");
    alice.cross_sign().await?;
    bob.cross_sign().await?;
    let room = meet(&alice, &bob).await?;
    step("they share an encrypted room");
    verify_each_other(&alice, &bob).await?;
    step("they have verified each other");
    let mut said = Said::new();
    talk(&alice, &bob, &room, 0..3, &mut said).await?;
    send_file(&alice, &bob, &room, &mut said).await?;
    typing(&bob, &alice, &room).await?;
    receipt(&bob, &alice, &room, &said).await?;
    step("text, file, typing and receipt have arrived");
    cut(server, (&alice, &bob), &room, "in the dark", false, &mut said).await?;
    cut(server, (&alice, &bob), &room, "at dusk", true, &mut said).await?;
    cut(server, (&bob, &alice), &room, "at dawn", true, &mut said).await?;
    step("the server was killed three times and is back");
    talk(&alice, &bob, &room, 10..13, &mut said).await?;
    send_file(&bob, &alice, &room, &mut said).await?;
    typing(&alice, &bob, &room).await?;
    receipt(&alice, &bob, &room, &said).await?;
    for person in [&alice, &bob] {
        complete(person, &room, &said).await?;
    }
    same_order(&alice, &bob, &room).await?;
    step("nothing is missing, doubled, out of order or unreadable");
    Ok((room, said, [alice.stop().await?, bob.stop().await?]))
}

/// Both come back to their stores and sync from the beginning, and bob with a new device too.
async fn afterwards(
    (url, dir): (&str, &Path),
    bell: &Bell,
    (room, mut said): (&RoomId, Said),
    [alice, bob]: [Absent; 2],
) -> Result<()> {
    let alice = Person::open(url, dir, &alice).await?;
    let bob = Person::open(url, dir, &bob).await?;
    // Said before the first sync: the room and its keys come from the store.
    let local = alice.get_room(room).ok_or("alice's store has no room")?;
    let text = "after the return".to_owned();
    said.push(vec![(say(&local, "alice", &text).await?, text)]);
    let alice = Person::begin(alice, bell, "alice").await?;
    let bob = Person::begin(bob, bell, "bob").await?;
    for person in [&alice, &bob] {
        complete(person, room, &said).await?;
    }
    same_order(&alice, &bob, room).await?;
    step("an initial sync of each gives the same, readable from their stores");

    let new = Person::login(url, dir, bell, "bob").await?;
    let devices = alice.client.encryption();
    let device = new.client.device_id().ok_or("no session")?;
    alice
        .bell
        .until_true("the new device at alice", async || {
            Ok(devices.get_device(&bob.id, device).await?.is_some())
        })
        .await?;
    let text = "to every device".to_owned();
    let id = alice.say(room, &text).await?;
    check(new.reads(room, &text).await?.id == id, || format!("another {text:?}"))?;
    said.push(vec![(id, text)]);
    for person in [&alice, &bob] {
        complete(person, room, &said).await?;
    }
    // All events: what the new device has no keys for cannot be told from a message.
    let (known, fresh) = (alice.timeline(), new.timeline());
    check(known == fresh, || format!("timelines differ:\n{known:?}\n{fresh:?}"))?;
    step("a new device has the same history and reads what is said to it");
    for person in [alice, bob, new] {
        person.stop().await?;
    }
    Ok(())
}

async fn scenario(server: &mut Server) -> Result<()> {
    let bell = Bell::new();
    let (room, said, people) = conversation(server, &bell).await?;
    afterwards((&server.url(), server.dir()), &bell, (&room, said), people).await
}

async fn run(binary: &Path) -> Result<bool> {
    let mut server = Server::start(binary).await?;
    let outcome = scenario(&mut server).await;
    if let Err(error) = &outcome {
        eprintln!("{error}\n{error:?}");
    }
    server.close(outcome.is_err()).await?;
    Ok(outcome.is_ok())
}

#[tokio::main]
async fn main() -> ExitCode {
    let Some(binary) = std::env::var_os("CHANCERY") else {
        eprintln!("set CHANCERY to the server's binary");
        return ExitCode::from(2);
    };
    match run(Path::new(&binary)).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
