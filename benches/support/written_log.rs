//! A log filled with what the write side would have written, at the speed of the log.
//!
//! Owns people, rooms of ten local members, and their talk: PDUs of the lengths that signed ones
//! have, mostly texts, with reactions, edits, threads, redactions, receipts and profile changes.
//! Hashes and signatures are noise of the right length: nothing that reads a log checks them
//! again. Everything follows from the seed. Never decides or authorizes anything.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use aws_lc_rs::digest::{SHA256, digest};
use event_log::{Durable, Log};
use facts::{
    Batch, Draft, EntryRef, Fact, LogPosition, Routing, StreamId, StreamRef, Timestamp,
    fact::{
        AccountCreated, AccountKind, ClientTxn, DeviceAdded, PduContent, PduRedacted, PduStored,
        Placement, PlacementKind, ReceiptKind, ReceiptSet, StateBefore, StateChange, StreamKind,
        StreamOpened, ThreadScope, TimelinePlace, Verdict,
    },
    pdu,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use ruma::{CanonicalJsonObject, RoomVersionId, room_version_rules::RoomVersionRules};
use serde_json::{Value, json};

#[path = "../load/payload.rs"]
mod payload;
use payload::Payload;

/// Local members of every room.
pub(crate) const MEMBERS: usize = 10;
/// Device id of everybody.
pub(crate) const DEVICE: &str = "QWERTYUIOP";
/// Entries of a batch, and batches on their way to the disk.
const BATCH_ENTRIES: usize = 64;
const IN_FLIGHT: usize = 32;
/// Latest messages of a room that reactions, edits, redactions and receipts are about.
const RECENT: usize = 20;
/// Milliseconds since the Unix epoch at which the talk begins.
const BEGIN_MS: i64 = 1_760_000_000_000;

/// Somebody of this server.
struct Person {
    user_id: String,
    stream: StreamId,
}

struct Room {
    id: String,
    stream: StreamId,
    members: Vec<usize>,
    last: Option<String>,
    events: i64,
    state: HashMap<(String, String), (String, LogPosition)>,
    recent: VecDeque<(String, LogPosition, usize)>,
}

/// A log and what was written to it.
pub(crate) struct WrittenLog {
    log: Arc<Log>,
    server: String,
    rules: RoomVersionRules,
    people: Vec<Person>,
    rooms: Vec<Room>,
    random: StdRng,
    payload: Payload,
    serial: u64,
    next: LogPosition,
    batch: Vec<Draft>,
    in_flight: VecDeque<Durable>,
}

impl WrittenLog {
    /// Fills an empty log with people and rooms. Person `r + i` is the i-th member of room r,
    /// counted around, so that person 0 is a member of few rooms however many there are.
    pub(crate) fn new(log: Arc<Log>, server: &str, people: usize, rooms: usize) -> Self {
        let next = log.head().next();
        let mut written = Self {
            log,
            server: server.to_owned(),
            rules: RoomVersionId::V11.rules().expect("a known version"),
            people: Vec::new(),
            rooms: Vec::new(),
            random: StdRng::seed_from_u64(1),
            payload: Payload::new(1, 0),
            serial: 0,
            next,
            batch: Vec::new(),
            in_flight: VecDeque::new(),
        };
        written.register(people.max(MEMBERS));
        written.make_rooms(rooms);
        written.settle();
        written
    }

    /// User ids and streams, in order.
    pub(crate) fn people(&self) -> impl Iterator<Item = (&str, StreamId)> {
        self.people.iter().map(|person| (person.user_id.as_str(), person.stream))
    }

    /// Appends about `entries` entries of talk, the rooms taking turns.
    pub(crate) fn talk(&mut self, entries: u64) {
        let end = self.next.0 + entries;
        while self.next.0 < end {
            let room = usize::try_from(self.serial).expect("64 bits") % self.rooms.len();
            self.say_something(room);
        }
        self.settle();
    }

    /// One text in a room, by its first member.
    pub(crate) fn text(&mut self, room: usize) {
        let content = self.payload.message();
        let sender = self.rooms[room].members[0];
        self.event(room, sender, "m.room.message", None, &content);
        self.settle();
    }

    /// A person reads every room to its end.
    pub(crate) fn read_everything(&mut self, person: usize) {
        for room in 0..self.rooms.len() {
            if let (true, Some(last)) =
                (self.rooms[room].members.contains(&person), self.rooms[room].last.clone())
            {
                self.read(room, person, last);
            }
        }
        self.settle();
    }

    /// Waits until everything is durable.
    fn settle(&mut self) {
        self.flush();
        for durable in self.in_flight.drain(..) {
            durable.wait().expect("a disk with space");
        }
    }

    fn register(&mut self, count: usize) {
        let names: Vec<String> = (0..count).map(|i| format!("@p{i}:{}", self.server)).collect();
        for (user_id, stream) in names.iter().zip(self.open_streams(StreamKind::User, &names)) {
            self.people.push(Person { user_id: user_id.clone(), stream });
            self.own(stream, AccountCreated { kind: AccountKind::User, admin: false });
            let display_name = Some("a phone".to_owned());
            self.own(stream, DeviceAdded { device_id: DEVICE.to_owned(), display_name });
        }
    }

    fn make_rooms(&mut self, count: usize) {
        let ids: Vec<String> = (0..count).map(|i| format!("!{i:018}:{}", self.server)).collect();
        for (number, stream) in self.open_streams(StreamKind::Room, &ids).into_iter().enumerate() {
            let members = (0..MEMBERS).map(|i| (number + i) % self.people.len()).collect();
            self.rooms.push(Room {
                id: ids[number].clone(),
                stream,
                members,
                last: None,
                events: 0,
                state: HashMap::new(),
                recent: VecDeque::new(),
            });
            self.begin(number);
        }
    }

    /// What stands at the beginning of a room.
    fn begin(&mut self, room: usize) {
        let members = self.rooms[room].members.clone();
        let creator = members[0];
        let admin = self.people[creator].user_id.clone();
        let levels = json!({"users": {admin: 100}, "state_default": 50, "events_default": 0});
        let state = [
            ("m.room.create", json!({"room_version": "11"})),
            ("m.room.power_levels", levels),
            ("m.room.join_rules", json!({"join_rule": "public"})),
            ("m.room.history_visibility", json!({"history_visibility": "shared"})),
            ("m.room.name", json!({"name": format!("room {room}")})),
        ];
        for (number, (event_type, content)) in state.into_iter().enumerate() {
            self.event(room, creator, event_type, Some(String::new()), &content);
            if number == 0 {
                self.join(room, creator, "first");
            }
        }
        for member in &members[1..] {
            self.join(room, *member, "first");
        }
    }

    fn join(&mut self, room: usize, member: usize, name: &str) {
        let displayname = format!("{name} name of {member}");
        let content = json!({"membership": "join", "displayname": displayname});
        let state_key = Some(self.people[member].user_id.clone());
        self.event(room, member, "m.room.member", state_key, &content);
    }

    fn say_something(&mut self, room: usize) {
        let member = self.random.random_range(0..MEMBERS);
        let sender = self.rooms[room].members[member];
        let pick = self.random.random_range(0..self.rooms[room].recent.len().max(1));
        let about = self.rooms[room].recent.get(pick).cloned();
        let mut content = self.payload.message();
        match (self.random.random_range(0..100), about) {
            (80..=85, Some((event_id, ..))) => {
                let relation =
                    json!({"rel_type": "m.annotation", "event_id": event_id, "key": "+"});
                let content = json!({"m.relates_to": relation});
                self.event(room, sender, "m.reaction", None, &content);
            }
            (86..=89, Some((event_id, _, author))) => {
                let new = content.clone();
                content["m.new_content"] = new;
                content["m.relates_to"] = json!({"rel_type": "m.replace", "event_id": event_id});
                self.event(room, author, "m.room.message", None, &content);
            }
            (90..=93, Some((event_id, ..))) => {
                content["m.relates_to"] = json!({"rel_type": "m.thread", "event_id": event_id});
                self.event(room, sender, "m.room.message", None, &content);
            }
            (94, Some((event_id, target, author))) => {
                let content = json!({"redacts": event_id});
                let by = self.event(room, author, "m.room.redaction", None, &content);
                let fact = PduRedacted { target: EntryRef::At(target), by: EntryRef::At(by) };
                let stream = self.rooms[room].stream;
                self.push(stream, author, fact);
            }
            (95..=98, Some((event_id, ..))) => self.read(room, sender, event_id),
            (99, _) => self.join(room, sender, "another"),
            _ => {
                let at = self.event(room, sender, "m.room.message", None, &content);
                let room = &mut self.rooms[room];
                room.recent.truncate(RECENT - 1);
                let last = room.last.clone().expect("it was sent just now");
                room.recent.push_front((last, at, sender));
            }
        }
    }

    fn read(&mut self, room: usize, reader: usize, event_id: String) {
        self.serial += 1;
        let receipt = ReceiptSet {
            room: self.rooms[room].id.clone(),
            event_id,
            kind: ReceiptKind::Read,
            thread: ThreadScope::Unthreaded,
            at: Timestamp(u64::try_from(self.now()).expect("after 1970")),
        };
        self.own(self.people[reader].stream, receipt);
    }

    fn now(&self) -> i64 {
        BEGIN_MS + i64::try_from(self.serial).expect("few")
    }

    /// Noise that looks like a digest, different at each call.
    fn noise(&self, tag: u8, length: usize) -> String {
        let mut seed = self.serial.to_be_bytes().to_vec();
        seed.push(tag);
        let mut text = hex::encode(digest(&SHA256, &seed));
        seed.push(tag);
        text += &hex::encode(digest(&SHA256, &seed));
        text.truncate(length);
        text
    }

    /// Sends an event after the last one, accepted and live.
    fn event(
        &mut self,
        room: usize,
        sender: usize,
        event_type: &str,
        state_key: Option<String>,
        content: &Value,
    ) -> LogPosition {
        self.serial += 1;
        let event_id = format!("${}", self.noise(0, 43));
        let mut event = self.json(room, sender, event_type, content);
        let known = &mut self.rooms[room];
        let mut changes = Vec::new();
        if let Some(state_key) = state_key {
            event["state_key"] = json!(state_key);
            let place = (event_type.to_owned(), state_key);
            let old = known.state.insert(place.clone(), (event_id.clone(), self.next));
            let old = old.map(|(_, at)| EntryRef::At(at));
            changes.push(StateChange(place.0, place.1, old, Some(EntryRef::At(self.next))));
        }
        let placement = Placement {
            verdict: Verdict::Accept,
            kind: PlacementKind::Live,
            before: StateBefore::AfterPrev,
            changes,
            extremities: None,
            timeline: Some(TimelinePlace(0, known.events)),
        };
        known.events += 1;
        known.last = Some(event_id.clone());
        let stream = known.stream;
        let stored = self.parted(event, event_id, placement);
        self.push(stream, sender, stored)
    }

    /// A PDU as long as a signed one.
    fn json(&self, room: usize, sender: usize, event_type: &str, content: &Value) -> Value {
        let room = &self.rooms[room];
        let sender = &self.people[sender].user_id;
        let authorizing = [
            ("m.room.create", ""),
            ("m.room.power_levels", ""),
            ("m.room.member", sender.as_str()),
        ];
        let auth_events: Vec<&String> = authorizing
            .iter()
            .filter_map(|(kind, key)| room.state.get(&((*kind).to_owned(), (*key).to_owned())))
            .map(|(event_id, _)| event_id)
            .collect();
        json!({
            "auth_events": auth_events,
            "content": content,
            "depth": room.events + 1,
            "hashes": {"sha256": self.noise(1, 43)},
            "org.chancery.salt": self.noise(2, 22),
            "origin_server_ts": self.now(),
            "prev_events": room.last.iter().collect::<Vec<_>>(),
            "room_id": room.id,
            "sender": sender,
            "signatures": {self.server.as_str(): {"ed25519:a_1": self.noise(3, 86)}},
            "type": event_type,
        })
    }

    fn parted(&self, event: Value, event_id: String, placement: Placement) -> PduStored {
        let is_state = event.get("state_key").is_some();
        let object: CanonicalJsonObject = serde_json::from_value(event).expect("canonical JSON");
        let parts = pdu::split(&object, &self.rules.redaction).expect("an event");
        let txn = ClientTxn {
            device_id: DEVICE.to_owned(),
            endpoint: "send_message_event".to_owned(),
            txn_id: format!("m{}.{}", self.now(), self.serial),
        };
        PduStored {
            event_id,
            is_state,
            redacted: parts.redacted,
            residue: parts.residue,
            placement: Some(placement),
            content: Some(PduContent { rest: parts.rest, whole: parts.whole, txn: Some(txn) }),
        }
    }

    fn open_streams(&mut self, kind: StreamKind, names: &[String]) -> Vec<StreamId> {
        self.flush();
        let mut streams = Vec::with_capacity(names.len());
        for names in names.chunks(BATCH_ENTRIES) {
            for (number, name) in names.iter().enumerate() {
                let stream = StreamRef::OpenedBy(u32::try_from(number).expect("few"));
                let person = (kind == StreamKind::User).then_some(stream);
                let routing = Routing { stream, actor: StreamRef::LOG, person, cause: None };
                let opened = Fact::from(StreamOpened { kind, name: name.clone() });
                self.batch.push(opened.draft(routing).expect("complete"));
                streams.push(StreamId(self.next.0));
                self.next = self.next.next();
            }
            self.flush();
        }
        streams
    }

    /// A fact in a person's own stream.
    fn own(&mut self, stream: StreamId, fact: impl Into<Fact>) {
        let stream = StreamRef::from(stream);
        self.draft(
            &fact.into(),
            Routing { stream, actor: stream, person: Some(stream), cause: None },
        );
    }

    fn push(&mut self, stream: StreamId, sender: usize, fact: impl Into<Fact>) -> LogPosition {
        let person = StreamRef::from(self.people[sender].stream);
        let routing =
            Routing { stream: stream.into(), actor: person, person: Some(person), cause: None };
        self.draft(&fact.into(), routing)
    }

    fn draft(&mut self, fact: &Fact, routing: Routing) -> LogPosition {
        self.batch.push(fact.draft(routing).expect("complete"));
        let position = self.next;
        self.next = self.next.next();
        if self.batch.len() >= BATCH_ENTRIES {
            self.flush();
        }
        position
    }

    fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let drafts = std::mem::take(&mut self.batch);
        let appended = self.log.append(Batch { drafts, expects: Vec::new() });
        let appended = appended.expect("an open log with a queue that is not full");
        assert_eq!(appended.last().next(), self.next, "nobody else writes to this log");
        self.in_flight.push_back(appended.durable);
        if self.in_flight.len() > IN_FLIGHT
            && let Some(durable) = self.in_flight.pop_front()
        {
            durable.wait().expect("a disk with space");
        }
    }
}
