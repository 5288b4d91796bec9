//! Actors on a real log: bounded memory, streams that others append to, flushes.

use std::sync::Arc;

use event_log::{Log, LogOptions, SeededRandom};
use facts::{
    Draft, EntryHeader, Fact, Routing, StreamId, Timestamp,
    fact::{RegistrationTokenUsed, StreamKind},
};
use ruma::server_name;
use serde::{Deserialize, Serialize};

use crate::{CommandError, Decision, ServerIdentity, SmallFold, WriteSide, WriteSideParts};

/// Counts the facts of a stream.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Count(u64);

impl SmallFold for Count {
    const KIND: StreamKind = StreamKind::Peer;

    fn apply(&mut self, _header: &EntryHeader, _fact: &Fact) {
        self.0 += 1;
    }
}

const CAPACITY: usize = 4;

async fn open(dir: &tempfile::TempDir) -> WriteSide {
    let clock = Arc::new(|| Timestamp(1_700_000_000_000));
    let random = Arc::new(SeededRandom::new(5));
    let options = LogOptions::new(dir.path(), "example.org");
    let log = Log::open(options, Arc::clone(&clock) as _, Arc::clone(&random) as _).unwrap();
    let name = server_name!("example.org").to_owned();
    let identity = ServerIdentity::from_seed(name, "1".to_owned(), &[1; 32]).unwrap();
    let folds = dir.path().join("folds");
    let parts = WriteSideParts::new(Arc::new(log), folds, Arc::new(identity), clock, random);
    WriteSide::open_with(parts, |kinds| kinds.with::<Count>(CAPACITY)).await.unwrap()
}

fn draft(stream: StreamId) -> Draft {
    let fact = Fact::from(RegistrationTokenUsed { token_hash: [0; 32] });
    fact.draft(Routing::server(stream)).unwrap()
}

/// A flush makes room; the one that pushing back wakes may be under way at the next try.
const TRIES: usize = 10;

async fn count(ws: &WriteSide, stream: StreamId) -> u64 {
    for _ in 0..TRIES {
        match ws.actors::<Count>().lock::<()>(stream).await {
            Ok(guard) => return guard.fold().0,
            // The server's own flush holds more folds than may be active; it is waited for.
            Err(CommandError::Busy { .. }) => ws.flush().await.unwrap(),
            Err(error) => panic!("{error:?}"),
        }
    }
    panic!("flushing makes no room");
}

async fn add(ws: &WriteSide, stream: StreamId) -> Result<(), CommandError<()>> {
    let decide = |_: &Count| Ok(Decision { drafts: vec![draft(stream)], reply: () });
    ws.actors::<Count>().execute(stream, decide).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_idle_folds_leave_memory_and_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(&dir).await;
    let streams: Vec<StreamId> = (0..40)
        .map(|i| ws.ensure_stream::<()>(StreamKind::Peer, &i.to_string()).unwrap())
        .collect();
    for round in 1..=3 {
        for &stream in &streams {
            let mut tries = 0;
            while let Err(CommandError::Busy { .. }) = add(&ws, stream).await {
                // Everything in memory waits for a flush: that is the push back.
                ws.flush().await.unwrap();
                tries += 1;
                assert!(tries < TRIES, "flushing makes no room");
            }
        }
        ws.flush().await.unwrap();
        for &stream in &streams {
            assert_eq!(count(&ws, stream).await, round + 1);
        }
        let loaded = ws.actors::<Count>().slots.lock().by_stream.len();
        assert!(loaded <= 2 * CAPACITY, "{loaded} folds in memory");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i7_a_stream_that_others_append_to_is_caught_up_and_decided_anew() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(&dir).await;
    let stream = ws.ensure_stream::<()>(StreamKind::Peer, "peer").unwrap();
    let mut seen = Vec::new();
    let done = ws
        .actors::<Count>()
        .execute::<_, ()>(stream, |fold| {
            seen.push(fold.0);
            if seen.len() == 1 {
                // Somebody appends without the lock between decision and append.
                let batch = facts::Batch { drafts: vec![draft(stream)], expects: Vec::new() };
                ws.core().append(batch).unwrap();
            }
            Ok(Decision { drafts: vec![draft(stream)], reply: fold.0 })
        })
        .await
        .unwrap();
    assert_eq!(seen, [1, 2]);
    assert_eq!(done.reply, 2);
    assert_eq!(count(&ws, stream).await, 3);
    drop(ws);
    assert_eq!(count(&open(&dir).await, stream).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_gets_one_stream_however_many_ask() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(&dir).await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let ws = ws.clone();
        asking.spawn(async move {
            let users: Vec<_> = (0..20)
                .map(|i| ruma::UserId::parse(format!("@u{i}:example.org")).unwrap())
                .collect();
            ws.ensure_users::<()>(&users).unwrap()
        });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|streams| *streams == answers[0]));
    ws.flush().await.unwrap();
    let again = ws.user_stream(ruma::user_id!("@u3:example.org")).unwrap();
    assert_eq!(again, Some(answers[0][3]));
}
