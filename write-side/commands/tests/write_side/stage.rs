//! A write side in a directory of its own, with a clock that ticks and seeded randomness.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use commands::{
    Journal, ServerIdentity, WriteSide, WriteSideParts,
    room::{RoomCommandRefusal, RoomError, Sent, create_room, send_event},
};
use decide::room::{CreateRoom, NewEvent, Preset};
use event_log::{Clock, Log, LogOptions, SeededRandom};
use facts::{Timestamp, fact::ClientTxn};
use ruma::{CanonicalJsonObject, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId, UserId};

/// One millisecond passes at each look.
#[derive(Debug)]
pub(crate) struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

pub(crate) struct Stage {
    dir: tempfile::TempDir,
    clock: Arc<Ticking>,
    starts: u64,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Arc::new(Ticking(AtomicU64::new(1_700_000_000_000))),
            starts: 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn log(&mut self) -> Arc<Log> {
        self.starts += 1;
        let options = LogOptions::new(self.path(), "example.org");
        let random = Arc::new(SeededRandom::new(self.starts));
        Arc::new(Log::open(options, Arc::clone(&self.clock) as _, random).unwrap())
    }

    pub(crate) fn parts(&self, journal: Arc<dyn Journal>) -> WriteSideParts {
        let random = Arc::new(SeededRandom::new(1_000 + self.starts));
        let name = ruma::server_name!("example.org").to_owned();
        let keys = self.path().join("keys");
        let identity = ServerIdentity::load_or_create(name, &keys, &*random).unwrap();
        WriteSideParts::new(
            journal,
            self.path().join("folds"),
            Arc::new(identity),
            Arc::clone(&self.clock) as _,
            random,
        )
    }

    pub(crate) async fn open(&mut self) -> WriteSide {
        let log = self.log();
        WriteSide::open(self.parts(log)).await.unwrap()
    }

    /// Days pass.
    pub(crate) fn pass_days(&self, days: u64) {
        self.clock.0.fetch_add(days * 86_400_000, Ordering::Relaxed);
    }
}

pub(crate) fn user(name: &str) -> OwnedUserId {
    UserId::parse(format!("@{name}:example.org")).unwrap()
}

pub(crate) fn object(json: &serde_json::Value) -> CanonicalJsonObject {
    NewEvent::content_of(json).unwrap()
}

pub(crate) fn message(sender: &str, body: &str) -> NewEvent {
    let content = serde_json::json!({ "msgtype": "m.text", "body": body });
    NewEvent::message(user(sender), "m.room.message", object(&content))
}

pub(crate) fn with_txn(mut event: NewEvent, txn_id: &str) -> NewEvent {
    event.txn = Some(ClientTxn {
        device_id: "DEVICE".to_owned(),
        endpoint: "send_message_event".to_owned(),
        txn_id: txn_id.to_owned(),
    });
    event
}

pub(crate) async fn room_of(write_side: &WriteSide, creator: &str, preset: Preset) -> OwnedRoomId {
    let mut wish = CreateRoom::new(user(creator), RoomVersionId::V12);
    wish.preset = Some(preset);
    create_room(write_side, &wish, false).await.unwrap()
}

pub(crate) async fn say(
    write_side: &WriteSide,
    room: &RoomId,
    sender: &str,
    body: &str,
) -> Result<Sent, RoomError> {
    send_event(write_side, room, message(sender, body)).await
}

/// The refusal of a command that must not be done.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, RoomError>) -> RoomCommandRefusal {
    match answer.unwrap_err() {
        commands::CommandError::Refusal(refusal) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}
