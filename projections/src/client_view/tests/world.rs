//! A log in memory that is projected, with what only the client view is tested with: forks, gaps
//! and invites from elsewhere.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
};

use facts::{
    EntryRef, LogPosition, StreamId, Timestamp,
    fact::{
        InviteStateStored, PduPlaced, PduStored, Placement, PlacementKind, ReceiptKind, ReceiptSet,
        StateBefore, StreamKind, ThreadScope, TimelinePlace, Verdict,
    },
};
use serde_json::json;

pub(super) use crate::source::memory::HERE;
use crate::{
    bodies::Bodies,
    client_view::recent::RecentChanges,
    client_view::{ClientProjection, NAME, SCHEMA},
    follower::{Checkpoint, Follower, ViewsDir},
    query::Snapshot,
    source::{
        EntrySource,
        memory::{MemoryLog, Scribe, user_id},
    },
    store::{Key, Order, Row, Rows},
    wakeups::Wakeups,
};

pub(super) struct World(Scribe);

impl Deref for World {
    type Target = Scribe;

    fn deref(&self) -> &Scribe {
        &self.0
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Scribe {
        &mut self.0
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self(Scribe::new(MemoryLog::new(7)))
    }

    /// The last event of a room, to go back to.
    pub(super) fn fork_point(&self, room: usize) -> String {
        self.rooms[room].last.clone().expect("the room has events")
    }

    /// The next event follows this one.
    pub(super) fn go_back(&mut self, room: usize, event_id: &str) {
        self.rooms[room].last = Some(event_id.to_owned());
    }

    /// Sends an event after the last one, beside other forward extremities that stay.
    pub(super) fn branch(&mut self, room: usize, name: &str, others: &[&String]) -> LogPosition {
        let mut extremities: Vec<EntryRef> =
            others.iter().map(|id| EntryRef::At(self.position_of(id))).collect();
        extremities.push(EntryRef::InBatch(0));
        self.placed(room, name, |event| {
            if let Some(placement) = &mut event.placement {
                placement.extremities = Some(extremities);
            }
        })
    }

    /// An event of another server that never came: the next one follows it.
    pub(super) fn lose_one(&mut self, room: usize) {
        self.go_back(room, "$lost");
    }

    /// The lost event comes by backfill, after `previous`.
    pub(super) fn backfill(
        &mut self,
        room: usize,
        name: &str,
        previous: LogPosition,
    ) -> LogPosition {
        let last = self.fork_point(room);
        let previous = self.event_id(previous);
        self.go_back(room, &previous);
        let at = self.placed(room, name, |event| {
            event.event_id = "$lost".to_owned();
            if let Some(placement) = &mut event.placement {
                placement.kind = PlacementKind::Historic;
                placement.timeline = Some(TimelinePlace(-1, 0));
            }
        });
        self.go_back(room, &last);
        at
    }

    /// A message that is stored first and placed later.
    pub(super) fn placed_later(&mut self, room: usize, name: &str) -> LogPosition {
        let mut placement = None;
        let at = self.placed(room, name, |event| placement = event.placement.take());
        let placement = placement.expect("an event is placed");
        self.own(self.rooms[room].stream, PduPlaced { pdu: EntryRef::At(at), placement });
        at
    }

    /// A message that differs from the usual in how it is placed.
    fn placed(
        &mut self,
        room: usize,
        name: &str,
        change: impl FnOnce(&mut PduStored),
    ) -> LogPosition {
        let content = json!({"msgtype": "m.text", "body": "elsewhere"});
        let mut event = self.event(room, name, "m.room.message", None, &content);
        change(&mut event);
        self.own(self.rooms[room].stream, event)
    }

    /// An invite to a room that this server is not in.
    pub(super) fn invited_elsewhere(&mut self, name: &str) -> (StreamId, LogPosition) {
        let room = self.stream(StreamKind::Room, "!elsewhere:there.test");
        let event = json!({"type": "m.room.member", "state_key": user_id(name),
            "sender": "@host:there.test", "room_id": "!elsewhere:there.test",
            "content": {"membership": "invite"}, "prev_events": ["$far"], "auth_events": [],
            "depth": 1, "origin_server_ts": 1, "hashes": {"sha256": "x"}});
        let placement = Placement {
            verdict: Verdict::Accept,
            kind: PlacementKind::Outlier,
            before: StateBefore::Unknown,
            changes: Vec::new(),
            extremities: None,
            timeline: None,
        };
        let state = InviteStateStored {
            room: "!elsewhere:there.test".to_owned(),
            events: vec![b"{}".to_vec().into()],
        };
        let at = self.log.append(vec![
            (room.into(), Scribe::stored(&event, "$invite".to_owned(), placement).into()),
            (self.users[name].into(), state.into()),
        ]);
        (room, at[0])
    }

    pub(super) fn read(&self, room: usize, name: &str, event: LogPosition, thread: ThreadScope) {
        self.own(
            self.users[name],
            ReceiptSet {
                room: self.rooms[room].id.clone(),
                event_id: self.event_id(event),
                kind: ReceiptKind::Read,
                thread,
                at: Timestamp(5),
            },
        );
    }

    pub(super) fn source(&self) -> Arc<dyn EntrySource> {
        self.log.clone()
    }

    /// Brings the view in `dir` up to the head and opens a snapshot of it.
    pub(super) fn project(&self, dir: &Path) -> Snapshot {
        self.follow(dir).look()
    }

    /// A follower of the view in `dir` that stays.
    pub(super) fn follow(&self, dir: &Path) -> Following {
        let bodies = Arc::new(Bodies::new(self.source()));
        let projection =
            ClientProjection::new(bodies.clone(), Arc::new(Wakeups::default()), HERE.to_owned());
        let recent = projection.recent.clone();
        let follower =
            Follower::open(projection, &ViewsDir::of(dir), self.source()).expect("opens");
        assert!(dir.join(format!("views/{NAME}-v{SCHEMA}")).exists());
        Following { follower, bodies, recent }
    }
}

/// A view that follows when told.
pub(super) struct Following {
    follower: Follower<ClientProjection>,
    bodies: Arc<Bodies>,
    recent: Arc<RecentChanges>,
}

impl Following {
    /// The view at the head.
    pub(super) fn look(&mut self) -> Snapshot {
        self.follower.catch_up(|| false).expect("follows");
        self.follower.take_over();
        let rows = self.follower.serving().store().expect("serves").snapshot();
        let checkpoint = Checkpoint::read(&rows).expect("reads").expect("is there");
        assert_eq!(checkpoint.schema, SCHEMA);
        let (bodies, recent) = (self.bodies.clone(), self.recent.clone());
        Snapshot { rows, bodies, recent, checkpoint, keeping: None }
    }
}

/// All rows of a snapshot, the checkpoint included.
pub(super) fn all_rows(snapshot: &Snapshot) -> Vec<Row> {
    let whole = Key::new(0);
    snapshot
        .rows
        .iterate(whole.as_bytes(), &[u8::MAX], Order::Forward)
        .collect::<Result<_, _>>()
        .expect("rows are readable")
}
