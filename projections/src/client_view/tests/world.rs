//! A small world of rooms and people that writes facts as the write side would, in a log in
//! memory, with every event in step.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::Arc,
};

use facts::{
    EntryRef, Fact, LogPosition, StreamId, StreamRef, Timestamp,
    fact::{
        AccountCreated, AccountKind, ClientTxn, InviteStateStored, PduContent, PduRedacted,
        PduStored, Placement, PlacementKind, ReceiptKind, ReceiptSet, StateBefore, StateChange,
        StreamKind, StreamOpened, ThreadScope, TimelinePlace, Verdict,
    },
    pdu,
};
use ruma::{CanonicalJsonObject, RoomVersionId};
use serde_json::{Value, json};

use crate::{
    bodies::Bodies,
    client_view::{ClientProjection, NAME, SCHEMA},
    follower::{Checkpoint, Follower, ViewsDir},
    query::Snapshot,
    source::{EntrySource, memory::MemoryLog},
    store::{Key, Order, Row, Rows},
    wakeups::Wakeups,
};

pub(super) const HERE: &str = "here.test";

pub(super) struct Room {
    pub(super) id: String,
    pub(super) stream: StreamId,
    last: Option<String>,
    index: i64,
    state: BTreeMap<(String, String), LogPosition>,
}

pub(super) struct World {
    pub(super) log: Arc<MemoryLog>,
    pub(super) users: HashMap<String, StreamId>,
    pub(super) rooms: Vec<Room>,
    next_event: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            log: Arc::new(MemoryLog::new(7)),
            users: HashMap::new(),
            rooms: Vec::new(),
            next_event: 0,
        }
    }

    pub(super) fn stream(&self, kind: StreamKind, name: &str) -> StreamId {
        let opened = StreamOpened { kind, name: name.to_owned() };
        let at = self.log.append(vec![(StreamRef::OpenedBy(0), opened.into())]);
        StreamId(at[0].0)
    }

    pub(super) fn own(&self, user: StreamId, fact: impl Into<Fact>) -> LogPosition {
        self.log.append(vec![(user.into(), fact.into())])[0]
    }

    pub(super) fn user(&mut self, name: &str) -> StreamId {
        let id = format!("@{name}:{HERE}");
        let stream = self.stream(StreamKind::User, &id);
        self.users.insert(name.to_owned(), stream);
        self.own(stream, AccountCreated { kind: AccountKind::User, admin: false });
        stream
    }

    pub(super) fn room(&mut self, creator: &str) -> usize {
        let id = format!("!room{}:{HERE}", self.rooms.len());
        let stream = self.stream(StreamKind::Room, &id);
        self.rooms.push(Room { id, stream, last: None, index: 0, state: BTreeMap::new() });
        let room = self.rooms.len() - 1;
        let create = json!({"room_version": "11"});
        self.send(room, creator, "m.room.create", Some(""), create);
        self.member(room, creator, "join");
        room
    }

    pub(super) fn member(&mut self, room: usize, name: &str, membership: &str) -> LogPosition {
        let state_key = format!("@{name}:{HERE}");
        let content = json!({"membership": membership, "displayname": format!("{name} shown")});
        self.send(room, name, "m.room.member", Some(&state_key), content)
    }

    pub(super) fn text(&mut self, room: usize, name: &str, body: &str) -> LogPosition {
        let content = json!({"msgtype": "m.text", "body": body});
        self.send(room, name, "m.room.message", None, content)
    }

    /// Sends an event after the last one, accepted and live.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the content in place")]
    pub(super) fn send(
        &mut self,
        room: usize,
        name: &str,
        event_type: &str,
        state_key: Option<&str>,
        content: Value,
    ) -> LogPosition {
        let (stored, changes) = self.event(room, name, event_type, state_key, &content);
        let stream = self.rooms[room].stream;
        let at = self.log.append(vec![(stream.into(), stored.into())])[0];
        let known = &mut self.rooms[room];
        if changes {
            let place = (event_type.to_owned(), state_key.unwrap_or("").to_owned());
            known.state.insert(place, at);
        }
        at
    }

    fn event(
        &mut self,
        room: usize,
        name: &str,
        event_type: &str,
        state_key: Option<&str>,
        content: &Value,
    ) -> (PduStored, bool) {
        self.next_event += 1;
        let event_id = format!("$event{}", self.next_event);
        let known = &mut self.rooms[room];
        let mut event = json!({
            "type": event_type,
            "room_id": known.id,
            "sender": format!("@{name}:{HERE}"),
            "origin_server_ts": self.next_event,
            "content": content,
            "prev_events": known.last.iter().collect::<Vec<_>>(),
            "auth_events": [],
            "depth": self.next_event,
            "hashes": {"sha256": "x"},
        });
        if let Some(state_key) = state_key {
            event["state_key"] = json!(state_key);
        }
        let changes: Vec<StateChange> = state_key
            .map(|state_key| {
                let place = (event_type.to_owned(), state_key.to_owned());
                let old = known.state.get(&place).copied().map(EntryRef::At);
                StateChange(place.0, place.1, old, Some(EntryRef::InBatch(0)))
            })
            .into_iter()
            .collect();
        let placement = Placement {
            verdict: Verdict::Accept,
            kind: PlacementKind::Live,
            before: StateBefore::AfterPrev,
            changes: changes.clone(),
            extremities: None,
            timeline: Some(TimelinePlace(0, known.index)),
        };
        known.index += 1;
        known.last = Some(event_id.clone());
        (stored(&event, event_id, Some(placement)), !changes.is_empty())
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
        let content = json!({"msgtype": "m.text", "body": "on a branch"});
        let (mut stored, _) = self.event(room, name, "m.room.message", None, &content);
        let mut extremities: Vec<EntryRef> =
            others.iter().map(|id| EntryRef::At(self.position_of(id))).collect();
        extremities.push(EntryRef::InBatch(0));
        if let Some(placement) = &mut stored.placement {
            placement.extremities = Some(extremities);
        }
        let stream = self.rooms[room].stream;
        self.log.append(vec![(stream.into(), stored.into())])[0]
    }

    /// An event of another server that never came: the next one follows it.
    pub(super) fn lose_one(&mut self, room: usize) {
        self.rooms[room].last = Some("$lost".to_owned());
    }

    /// The lost event comes by backfill, after `previous`.
    pub(super) fn backfill(
        &mut self,
        room: usize,
        name: &str,
        previous: LogPosition,
    ) -> LogPosition {
        let previous = self.event_id(previous);
        let last = self.rooms[room].last.replace(previous);
        let content = json!({"msgtype": "m.text", "body": "late"});
        let (mut stored, _) = self.event(room, name, "m.room.message", None, &content);
        self.rooms[room].last = last;
        stored.event_id = "$lost".to_owned();
        if let Some(placement) = &mut stored.placement {
            placement.kind = PlacementKind::Historic;
            placement.timeline = Some(TimelinePlace(-1, 0));
        }
        let stream = self.rooms[room].stream;
        self.log.append(vec![(stream.into(), stored.into())])[0]
    }

    /// An invite to a room that this server is not in.
    pub(super) fn invited_elsewhere(&mut self, name: &str) -> (StreamId, LogPosition) {
        let room = self.stream(StreamKind::Room, "!elsewhere:there.test");
        let user_id = format!("@{name}:{HERE}");
        let event = json!({"type": "m.room.member", "state_key": user_id,
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
            (room.into(), stored(&event, "$invite".to_owned(), Some(placement)).into()),
            (self.users[name].into(), state.into()),
        ]);
        (room, at[0])
    }

    fn position_of(&self, event_id: &str) -> LogPosition {
        (0..=self.log.head().0)
            .map(LogPosition)
            .find(|at| match self.log.read(*at).expect("reads").expect("exists").fact {
                Some(Fact::PduStored(stored)) => stored.event_id == event_id,
                _ => false,
            })
            .expect("the event is stored")
    }

    pub(super) fn redact(&mut self, room: usize, name: &str, target: LogPosition) -> LogPosition {
        let id = self.event_id(target);
        let content = json!({"redacts": id});
        let (stored, _) = self.event(room, name, "m.room.redaction", None, &content);
        let stream = self.rooms[room].stream;
        let redacted = PduRedacted { target: EntryRef::At(target), by: EntryRef::InBatch(0) };
        self.log.append(vec![(stream.into(), stored.into()), (stream.into(), redacted.into())])[0]
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

    pub(super) fn event_id(&self, event: LogPosition) -> String {
        match self.log.read(event).expect("reads").expect("exists").fact {
            Some(Fact::PduStored(stored)) => stored.event_id,
            other => panic!("no event: {other:?}"),
        }
    }

    pub(super) fn source(&self) -> Arc<dyn EntrySource> {
        self.log.clone()
    }

    /// Brings the view in `dir` up to the head and opens a snapshot of it.
    pub(super) fn project(&self, dir: &Path) -> Snapshot {
        let bodies = Arc::new(Bodies::new(self.source()));
        let projection =
            ClientProjection::new(bodies.clone(), Arc::new(Wakeups::default()), HERE.to_owned());
        let mut follower =
            Follower::open(projection, &ViewsDir::of(dir), self.source()).expect("opens");
        follower.catch_up(|| false).expect("follows");
        follower.take_over();
        let rows = follower.serving().store().expect("serves").snapshot();
        let checkpoint = Checkpoint::read(&rows).expect("reads").expect("is there");
        assert_eq!(checkpoint.schema, SCHEMA);
        assert!(dir.join(format!("views/{NAME}-v{SCHEMA}")).exists());
        Snapshot { rows, bodies, checkpoint }
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

/// An event in parts.
pub(super) fn stored(event: &Value, event_id: String, placement: Option<Placement>) -> PduStored {
    let object: CanonicalJsonObject =
        serde_json::from_value(event.clone()).expect("canonical JSON");
    let rules = RoomVersionId::V11.rules().expect("a known version");
    let parts = pdu::split(&object, &rules.redaction).expect("an event");
    PduStored {
        event_id,
        is_state: event.get("state_key").is_some(),
        redacted: parts.redacted,
        residue: parts.residue,
        placement,
        content: Some(PduContent {
            rest: parts.rest,
            whole: parts.whole,
            txn: Some(ClientTxn {
                device_id: "DEVICE".to_owned(),
                endpoint: "send_message_event".to_owned(),
                txn_id: "1".to_owned(),
            }),
        }),
    }
}
