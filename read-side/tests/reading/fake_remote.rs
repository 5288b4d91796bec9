//! Another server, as the read side asks for it.

use std::{collections::HashMap, sync::Arc};

use facts::{
    StreamId,
    fact::{PduStored, Placement, PlacementKind, StateBefore, TimelinePlace, Verdict},
};
use parking_lot::Mutex;
use projections::source::{
    EntrySource,
    memory::{MemoryLog, Scribe, user_id},
};
use read_side::{Backfill, BackfillFuture, HistoryGap, Remote};
use serde_json::json;

/// Has the events that it was given, by id.
pub(crate) struct FakeRemote {
    log: Arc<MemoryLog>,
    has: Mutex<HashMap<String, PduStored>>,
    asked: Mutex<Vec<HistoryGap>>,
    silent: Mutex<bool>,
}

impl FakeRemote {
    pub(crate) fn new(log: Arc<MemoryLog>) -> Self {
        let (has, asked, silent) = <_>::default();
        Self { log, has, asked, silent }
    }

    /// It has a text of the room that follows `prev`, for this place.
    pub(crate) fn has(&self, id: &str, name: &str, prev: &str, place: TimelinePlace) {
        let event = json!({
            "type": "m.room.message",
            "room_id": "!room0:here.test",
            "sender": user_id(name),
            "origin_server_ts": 50,
            "content": {"msgtype": "m.text", "body": id},
            "prev_events": [prev],
            "auth_events": [],
            "depth": 1,
            "hashes": {"sha256": "x"},
        });
        let placement = Placement {
            verdict: Verdict::Accept,
            kind: PlacementKind::Historic,
            before: StateBefore::Unknown,
            changes: Vec::new(),
            extremities: None,
            timeline: Some(place),
        };
        let stored = Scribe::stored(&event, id.to_owned(), placement);
        self.has.lock().insert(id.to_owned(), stored);
    }

    /// It answers nobody any more.
    pub(crate) fn fall_silent(&self) {
        *self.silent.lock() = true;
    }

    /// What it was asked for since the last look: ids of the missing events of each gap.
    pub(crate) fn asked(&self) -> Vec<Vec<String>> {
        self.asked.lock().drain(..).map(|gap| gap.missing).collect()
    }

    fn give(&self, room: StreamId, missing: &[String]) -> Backfill {
        let mut has = self.has.lock();
        let events: Vec<_> = missing
            .iter()
            .filter_map(|id| has.remove(id))
            .map(|event| (room.into(), event.into()))
            .collect();
        if events.is_empty() {
            return Backfill::Nothing;
        }
        self.log.append(events);
        Backfill::Added { upto: self.log.head() }
    }
}

impl Remote for FakeRemote {
    fn backfill(&self, gap: HistoryGap) -> BackfillFuture {
        if *self.silent.lock() {
            return Box::pin(std::future::pending());
        }
        let given = self.give(gap.room, &gap.missing);
        self.asked.lock().push(gap);
        Box::pin(std::future::ready(given))
    }
}
