//! What a text message takes in the log, against its canonical JSON.
//!
//! Messages go through the real write side (salt, hashes, signature, transaction id), 16 senders at
//! a time as in the load generator, then one by one. Everything that the log wrote for them is
//! counted, its write headers included; the PDUs are read back to be measured.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "load/payload.rs"]
mod payload;
#[path = "support/verdict.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod verdict;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use commands::{
    ServerIdentity, WriteSide, WriteSideParts,
    room::{MemberDetails, create_room, join_room, send_event},
};
use decide::{
    pdu::Pdu,
    room::{CreateRoom, NewEvent, Preset},
};
use event_log::{Log, LogOptions, SystemRandom};
use facts::{Fact, LogPosition, Timestamp, fact::ClientTxn};
use futures_util::{TryStreamExt as _, stream};
use ruma::{OwnedUserId, RoomId, RoomVersionId, server_name};

use crate::payload::Payload;

const SENDERS: usize = 16;
const MESSAGES: usize = 4_000;
/// Log bytes as a multiple of canonical JSON.
const BUDGET: f64 = 3.0;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let clock = || Timestamp(1_790_000_000_000);
    let options = LogOptions::new(dir.path(), "bench.example");
    let log = Arc::new(Log::open(options, Arc::new(clock), Arc::new(SystemRandom))?);
    let name = server_name!("bench.example").to_owned();
    let identity = ServerIdentity::load_or_create(name, &dir.path().join("keys"), &SystemRandom)?;
    let write_side = WriteSide::open(WriteSideParts::new(
        Arc::clone(&log) as _,
        dir.path().join("folds"),
        Arc::new(identity),
        Arc::new(clock),
        Arc::new(SystemRandom),
    ))
    .await?;
    let people: Vec<OwnedUserId> = (0..SENDERS)
        .map(|number| OwnedUserId::try_from(format!("@person-{number}:bench.example")))
        .collect::<Result<_, _>>()?;
    let mut wish = CreateRoom::new(people[0].clone(), RoomVersionId::V12);
    wish.preset = Some(Preset::PublicChat);
    let room = create_room(&write_side, &wish, false).await?;
    for person in &people[1..] {
        join_room(&write_side, &room, person.clone(), &MemberDetails::default()).await?;
    }
    for (at_once, count) in [(SENDERS, MESSAGES), (1, MESSAGES / 10)] {
        let before = (log.stat()?.bytes, log.head());
        talk(&write_side, &room, &people, at_once, count).await?;
        let written = log.stat()?.bytes - before.0;
        let canonical = canonical_bytes(&log, &room, before.1.next())?;
        say(at_once, count, written, canonical);
    }
    write_side.close().await?;
    Ok(())
}

/// Sends texts, `at_once` at a time.
async fn talk(
    write_side: &WriteSide,
    room: &RoomId,
    people: &[OwnedUserId],
    at_once: usize,
    count: usize,
) -> Result<()> {
    let mut payload = Payload::new(1, at_once);
    let events = (0..count).map(|number| {
        let content = NewEvent::content_of(&payload.message())?;
        let sender = people[number % people.len()].clone();
        let mut event = NewEvent::message(sender, "m.room.message", content);
        event.txn = Some(ClientTxn {
            device_id: "QWERTYUIOP".to_owned(),
            endpoint: "send_message_event".to_owned(),
            txn_id: format!("m1790000000000.{at_once}.{number}"),
        });
        anyhow::Ok(event)
    });
    stream::iter(events)
        .map_ok(|event| async move { Ok(send_event(write_side, room, event).await?) })
        .try_buffer_unordered(at_once)
        .try_for_each(|_| std::future::ready(Ok(())))
        .await
}

/// Bytes of the canonical JSON of every message from `from` on.
fn canonical_bytes(log: &Log, room: &RoomId, mut from: LogPosition) -> Result<u64> {
    let mut bytes = 0;
    loop {
        let entries = log.read_range(from, 1_000, 4 * 1024 * 1024)?;
        let Some(last) = entries.last() else { return Ok(bytes) };
        from = last.header.position.next();
        for entry in &entries {
            if let Some(Fact::PduStored(stored)) = entry.fact()? {
                let pdu = Pdu::from_stored(room, &stored)?;
                let text = serde_json::to_vec(pdu.json()).context("JSON")?;
                bytes += u64::try_from(text.len())?;
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one run")]
fn say(at_once: usize, count: usize, written: u64, canonical: u64) {
    let ratio = written as f64 / canonical as f64;
    let each = |bytes: u64| bytes as f64 / count as f64;
    verdict::say(
        &format!("log bytes a text message, {at_once} at a time"),
        &format!(
            "{:.0} bytes, canonical JSON {:.0}: {ratio:.2} times",
            each(written),
            each(canonical)
        ),
        "<= 3 times",
        ratio <= BUDGET,
    );
}
