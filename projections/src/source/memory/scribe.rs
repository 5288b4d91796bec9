//! Rooms and people in a log in memory.
//!
//! Owns writing facts as the write side would, with every event in step. Checks no rule: what a
//! test asks for is written.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use facts::{
    EntryRef, Fact, LogPosition, StreamId, StreamRef,
    fact::{
        AccountCreated, AccountKind, ClientTxn, PduContent, PduRedacted, PduStored, Placement,
        PlacementKind, StateBefore, StateChange, StreamKind, StreamOpened, TimelinePlace, Verdict,
    },
    pdu,
};
use ruma::{CanonicalJsonObject, RoomVersionId};
use serde_json::{Value, json};

use super::{HERE, MemoryLog};
use crate::source::EntrySource;

/// A room that is written.
pub struct Room {
    /// Its id.
    pub id: String,
    /// Its stream.
    pub stream: StreamId,
    /// The event that the next one follows.
    pub last: Option<String>,
    index: i64,
    state: BTreeMap<(String, String), LogPosition>,
}

/// Writes to a log in memory.
pub struct Scribe {
    /// The log.
    pub log: Arc<MemoryLog>,
    /// Streams of people by local name.
    pub users: HashMap<String, StreamId>,
    /// Rooms in order of their creation; methods name a room by its place here.
    pub rooms: Vec<Room>,
    next_event: u64,
}

/// The user id of a local name.
pub fn user_id(name: &str) -> String {
    format!("@{name}:{HERE}")
}

impl Scribe {
    /// A scribe of an empty log.
    pub fn new(log: MemoryLog) -> Self {
        Self { log: Arc::new(log), users: HashMap::new(), rooms: Vec::new(), next_event: 0 }
    }

    /// Opens a stream.
    pub fn stream(&self, kind: StreamKind, name: &str) -> StreamId {
        let opened = StreamOpened { kind, name: name.to_owned() };
        let at = self.log.append(vec![(StreamRef::OpenedBy(0), opened.into())]);
        StreamId(at[0].0)
    }

    /// A fact by itself, in the stream that it belongs to.
    pub fn own(&self, stream: StreamId, fact: impl Into<Fact>) -> LogPosition {
        self.log.append(vec![(stream.into(), fact.into())])[0]
    }

    /// Somebody with an account.
    pub fn user(&mut self, name: &str) -> StreamId {
        let stream = self.stream(StreamKind::User, &user_id(name));
        self.users.insert(name.to_owned(), stream);
        self.own(stream, AccountCreated { kind: AccountKind::User, admin: false });
        stream
    }

    /// A room with its creator in it; `create` is the content of `m.room.create`.
    pub fn room_of(&mut self, creator: &str, create: Value) -> usize {
        let id = format!("!room{}:{HERE}", self.rooms.len());
        let stream = self.stream(StreamKind::Room, &id);
        let state = BTreeMap::new();
        self.rooms.push(Room { id, stream, last: None, index: 0, state });
        let room = self.rooms.len() - 1;
        self.send(room, creator, "m.room.create", Some(""), create);
        self.member(room, creator, "join");
        room
    }

    /// A room of version 11 with its creator in it.
    pub fn room(&mut self, creator: &str) -> usize {
        self.room_of(creator, json!({"room_version": "11"}))
    }

    /// Somebody's own membership.
    pub fn member(&mut self, room: usize, name: &str, membership: &str) -> LogPosition {
        let content = json!({"membership": membership, "displayname": format!("{name} shown")});
        self.send(room, name, "m.room.member", Some(&user_id(name)), content)
    }

    /// A text message.
    pub fn text(&mut self, room: usize, name: &str, body: &str) -> LogPosition {
        self.send(room, name, "m.room.message", None, json!({"msgtype": "m.text", "body": body}))
    }

    /// Sends an event after the last one, accepted and live.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the content in place")]
    pub fn send(
        &mut self,
        room: usize,
        name: &str,
        event_type: &str,
        state_key: Option<&str>,
        content: Value,
    ) -> LogPosition {
        let event = self.event(room, name, event_type, state_key, &content);
        let at = self.own(self.rooms[room].stream, event);
        if let Some(state_key) = state_key {
            let place = (event_type.to_owned(), state_key.to_owned());
            self.rooms[room].state.insert(place, at);
        }
        at
    }

    /// Redacts an event.
    pub fn redact(&mut self, room: usize, name: &str, target: LogPosition) -> LogPosition {
        let content = json!({"redacts": self.event_id(target)});
        let event = self.event(room, name, "m.room.redaction", None, &content);
        let stream = self.rooms[room].stream;
        let redacted = PduRedacted { target: EntryRef::At(target), by: EntryRef::InBatch(0) };
        self.log.append(vec![(stream.into(), event.into()), (stream.into(), redacted.into())])[0]
    }

    /// The next event of a room, accepted and live, before it is written.
    pub fn event(
        &mut self,
        room: usize,
        name: &str,
        event_type: &str,
        state_key: Option<&str>,
        content: &Value,
    ) -> PduStored {
        self.next_event += 1;
        let event_id = format!("$event{}", self.next_event);
        let room = &mut self.rooms[room];
        let mut event = json!({
            "type": event_type,
            "room_id": room.id,
            "sender": user_id(name),
            "origin_server_ts": self.next_event * 100,
            "content": content,
            "prev_events": room.last.iter().collect::<Vec<_>>(),
            "auth_events": [],
            "depth": self.next_event,
            "hashes": {"sha256": "x"},
        });
        let mut changes = Vec::new();
        if let Some(state_key) = state_key {
            event["state_key"] = json!(state_key);
            let place = (event_type.to_owned(), state_key.to_owned());
            let old = room.state.get(&place).copied().map(EntryRef::At);
            changes.push(StateChange(place.0, place.1, old, Some(EntryRef::InBatch(0))));
        }
        let placement = Placement {
            verdict: Verdict::Accept,
            kind: PlacementKind::Live,
            before: StateBefore::AfterPrev,
            changes,
            extremities: None,
            timeline: Some(TimelinePlace(0, room.index)),
        };
        room.index += 1;
        room.last = Some(event_id.clone());
        Self::stored(&event, event_id, placement)
    }

    /// An event in parts.
    pub fn stored(event: &Value, event_id: String, placement: Placement) -> PduStored {
        let object: CanonicalJsonObject =
            serde_json::from_value(event.clone()).expect("tests write canonical JSON");
        let rules = RoomVersionId::V11.rules().expect("ruma knows version 11");
        let parts = pdu::split(&object, &rules.redaction).expect("tests write events");
        let txn = ClientTxn {
            device_id: "DEVICE".to_owned(),
            endpoint: "send_message_event".to_owned(),
            txn_id: "txn".to_owned(),
        };
        PduStored {
            event_id,
            is_state: event.get("state_key").is_some(),
            redacted: parts.redacted,
            residue: parts.residue,
            placement: Some(placement),
            content: Some(PduContent { rest: parts.rest, whole: parts.whole, txn: Some(txn) }),
        }
    }

    /// The id of the event at a position.
    ///
    /// # Panics
    ///
    /// Where there is no event.
    pub fn event_id(&self, at: LogPosition) -> String {
        self.event_id_at(at).unwrap_or_else(|| panic!("no event is at {at}"))
    }

    /// The position of an event.
    ///
    /// # Panics
    ///
    /// Where there is no such event.
    pub fn position_of(&self, event_id: &str) -> LogPosition {
        (0..=self.log.head().0)
            .map(LogPosition)
            .find(|at| self.event_id_at(*at).as_deref() == Some(event_id))
            .unwrap_or_else(|| panic!("{event_id} is not stored"))
    }

    fn event_id_at(&self, at: LogPosition) -> Option<String> {
        match &*self.log.read(at).expect("memory is readable")?.fact? {
            Fact::PduStored(stored) => Some(stored.event_id.clone()),
            Fact::PduStub(stub) => Some(stub.event_id.clone()),
            _ => None,
        }
    }
}
