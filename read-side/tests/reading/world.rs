//! A server with people and rooms, which writes facts as the write side would, every event in
//! step, and answers over its real router.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use facts::{
    EntryRef, Fact, LogPosition, StreamId, StreamRef, Timestamp,
    fact::{
        AccountCreated, AccountKind, ClientTxn, DeviceAdded, MediaStored, PduContent, PduRedacted,
        PduStored, Placement, PlacementKind, StateBefore, StateChange, StreamKind, StreamOpened,
        TimelinePlace, Verdict,
    },
    pdu,
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use http_edge::{
    Claim, Clock, Edge, EdgeBounds, PeerAddress, Session, SessionKind, SessionRefusal, Sessions,
    dress,
};
use parking_lot::Mutex;
use projections::{ClientView, follower::FollowerHandle, source::EntrySource};
use read_side::{
    BlobError, BlobStream, MediaBlobs, ReadSettings, ReadSide, ReadSideParts, Wish, WishFuture,
    Wishes, router,
};
use ruma::{CanonicalJsonObject, OwnedUserId, RoomVersionId, owned_device_id, owned_server_name};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::memory_log::MemoryLog;

pub(crate) const HERE: &str = "here.test";
/// The clock's time.
pub(crate) const NOW: u64 = 1_000_000;
/// The view follows within this, or the test fails.
const FOLLOW_MAX: Duration = Duration::from_secs(20);

/// People by name; a token is a person's name, with `guest-` before it for a guest's session.
type People = Arc<Mutex<HashMap<String, StreamId>>>;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(NOW)
    }
}

struct NoWishes;

impl Wishes for NoWishes {
    fn wish(&self, _: Wish) -> WishFuture {
        Box::pin(std::future::ready(()))
    }
}

struct NameSessions(People);

impl Sessions for NameSessions {
    fn lookup(&self, claim: &Claim<'_>, _: Timestamp) -> Result<Session, SessionRefusal> {
        let (kind, name) = match claim.token.strip_prefix("guest-") {
            Some(name) => (SessionKind::Guest, name),
            None => (SessionKind::User, claim.token),
        };
        let user_stream =
            *self.0.lock().get(name).ok_or(SessionRefusal::Unknown { soft_logout: false })?;
        Ok(Session {
            user: OwnedUserId::try_from(user_id(name)).expect("a user id"),
            device: Some(owned_device_id!("DEVICE")),
            user_stream,
            kind,
            admin: name == "admin",
        })
    }
}

#[derive(Default)]
struct MemoryBlobs(Mutex<HashMap<String, Vec<u8>>>);

impl MediaBlobs for MemoryBlobs {
    fn read(&self, media: &MediaStored, range: Range<u64>) -> BlobStream {
        let blob = self.0.lock().get(&media.blob).cloned();
        let range =
            usize::try_from(range.start).expect("fits")..usize::try_from(range.end).expect("fits");
        let piece = match blob {
            Some(blob) => Ok(Bytes::from(blob[range].to_vec())),
            None => Err(BlobError::Gone),
        };
        Box::pin(futures_util::stream::iter([piece]))
    }
}

pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) stream: StreamId,
    last: Option<String>,
    index: i64,
    state: BTreeMap<(String, String), LogPosition>,
}

pub(crate) struct World {
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) rooms: Vec<Room>,
    people: People,
    view: ClientView,
    app: Router,
    blobs: Arc<MemoryBlobs>,
    next_event: u64,
    // Dropped in this order: the follower ends before its files go.
    _follower: FollowerHandle,
    _dir: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("JSON")
    }

    /// The body of an answer that must be good.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{:?}", self.bytes);
        self.json()
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let code = self.json()["errcode"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code)
    }
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub(crate) fn user_id(name: &str) -> String {
    format!("@{name}:{HERE}")
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let log = Arc::new(MemoryLog::new());
        let (view, follower) =
            ClientView::start(log.clone(), dir.path(), HERE).expect("the view starts");
        let people = People::default();
        let blobs = Arc::new(MemoryBlobs::default());
        let read = ReadSide::new(ReadSideParts {
            view: view.clone(),
            clock: Arc::new(FixedClock),
            wishes: Arc::new(NoWishes),
            blobs: blobs.clone(),
            stopping: tokio::sync::watch::channel(false).1,
            settings: ReadSettings {
                server_name: owned_server_name!("here.test"),
                public_base_url: Some("https://here.test".to_owned()),
                default_room_version: "12".to_owned(),
                upload_bytes_max: 5_000_000,
                sync_wait_max: Duration::from_secs(5),
                boot_id: 7,
            },
        });
        let bounds = EdgeBounds { rates_enabled: false, ..EdgeBounds::default() };
        let edge = Edge::new(Arc::new(NameSessions(people.clone())), Arc::new(FixedClock), bounds);
        Self {
            log,
            rooms: Vec::new(),
            people,
            view,
            app: dress(router(read), edge),
            blobs,
            next_event: 0,
            _follower: follower,
            _dir: dir,
        }
    }

    /// A world with these people.
    pub(crate) fn with(names: &[&str]) -> Self {
        let mut world = Self::new();
        for name in names {
            world.user(name);
        }
        world
    }

    async fn send_request(&self, request: Request<Body>) -> Answer {
        assert!(self.view.wait_for(self.log.head(), FOLLOW_MAX).await, "the view follows");
        let response = self.app.clone().oneshot(request).await.expect("routers do not fail");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn call(&self, method: &str, token: &str, path: &str, body: Value) -> Answer {
        let mut builder = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            builder = builder.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = builder.body(body).expect("a request");
        let address = "192.0.2.1".parse().expect("an address");
        request.extensions_mut().insert(PeerAddress(address));
        self.send_request(request).await
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", token, &format!("/_matrix/client{path}"), Value::Null).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call("POST", token, &format!("/_matrix/client{path}"), body).await
    }

    pub(crate) async fn put(&self, token: &str, path: &str, body: Value) -> Answer {
        self.call("PUT", token, &format!("/_matrix/client{path}"), body).await
    }

    pub(crate) fn stream(&self, kind: StreamKind, name: &str) -> StreamId {
        let opened = StreamOpened { kind, name: name.to_owned() };
        let at = self.log.append(vec![(StreamRef::OpenedBy(0), opened.into())]);
        StreamId(at[0].0)
    }

    /// A fact in a person's own stream.
    pub(crate) fn own(&self, name: &str, fact: impl Into<Fact>) -> LogPosition {
        self.log.append(vec![(self.person(name).into(), fact.into())])[0]
    }

    pub(crate) fn person(&self, name: &str) -> StreamId {
        self.people.lock()[name]
    }

    pub(crate) fn user(&mut self, name: &str) {
        let stream = self.stream(StreamKind::User, &user_id(name));
        self.people.lock().insert(name.to_owned(), stream);
        self.own(name, AccountCreated { kind: AccountKind::User, admin: false });
        let display_name = Some(format!("{name}'s phone"));
        self.own(name, DeviceAdded { device_id: "DEVICE".to_owned(), display_name });
    }

    pub(crate) fn blob(&self, name: &str, bytes: Vec<u8>) {
        self.blobs.0.lock().insert(name.to_owned(), bytes);
    }

    /// A room with its creator in it.
    pub(crate) fn room(&mut self, creator: &str) -> usize {
        self.room_of(creator, json!({"room_version": "11"}))
    }

    pub(crate) fn room_of(&mut self, creator: &str, create: Value) -> usize {
        let id = format!("!room{}:{HERE}", self.rooms.len());
        let stream = self.stream(StreamKind::Room, &id);
        let state = BTreeMap::new();
        self.rooms.push(Room { id, stream, last: None, index: 0, state });
        let room = self.rooms.len() - 1;
        self.send(room, creator, "m.room.create", Some(""), create);
        self.member(room, creator, "join");
        room
    }

    pub(crate) fn id(&self, room: usize) -> &str {
        &self.rooms[room].id
    }

    pub(crate) fn member(&mut self, room: usize, name: &str, membership: &str) -> String {
        let content = json!({"membership": membership, "displayname": format!("{name} shown")});
        self.send(room, name, "m.room.member", Some(&user_id(name)), content)
    }

    pub(crate) fn text(&mut self, room: usize, name: &str, body: &str) -> String {
        self.send(room, name, "m.room.message", None, json!({"msgtype": "m.text", "body": body}))
    }

    pub(crate) fn state(&mut self, room: usize, name: &str, kind: &str, content: Value) -> String {
        self.send(room, name, kind, Some(""), content)
    }

    pub(crate) fn related(
        &mut self,
        room: usize,
        name: &str,
        rel_type: &str,
        parent: &str,
    ) -> String {
        let content = json!({"msgtype": "m.text", "body": "related",
            "m.relates_to": {"rel_type": rel_type, "event_id": parent}});
        self.send(room, name, "m.room.message", None, content)
    }

    /// Sends an event after the last one, accepted and live; its id.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the content in place")]
    pub(crate) fn send(
        &mut self,
        room: usize,
        name: &str,
        event_type: &str,
        state_key: Option<&str>,
        content: Value,
    ) -> String {
        let (stored, changes) = self.event(room, name, event_type, state_key, &content);
        let event_id = stored.event_id.clone();
        let stream = self.rooms[room].stream;
        let at = self.log.append(vec![(stream.into(), stored.into())])[0];
        if changes {
            let place = (event_type.to_owned(), state_key.unwrap_or("").to_owned());
            self.rooms[room].state.insert(place, at);
        }
        event_id
    }

    /// Redacts an event; the redaction's id.
    pub(crate) fn redact(&mut self, room: usize, name: &str, target: &str) -> String {
        let content = json!({"redacts": target});
        let (stored, _) = self.event(room, name, "m.room.redaction", None, &content);
        let event_id = stored.event_id.clone();
        let stream = self.rooms[room].stream;
        let target = EntryRef::At(self.position_of(target));
        let redacted = PduRedacted { target, by: EntryRef::InBatch(0) };
        self.log.append(vec![(stream.into(), stored.into()), (stream.into(), redacted.into())]);
        event_id
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
            "sender": user_id(name),
            "origin_server_ts": self.next_event * 100,
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
        let changed = !changes.is_empty();
        let placement = Placement {
            verdict: Verdict::Accept,
            kind: PlacementKind::Live,
            before: StateBefore::AfterPrev,
            changes,
            extremities: None,
            timeline: Some(TimelinePlace(0, known.index)),
        };
        known.index += 1;
        known.last = Some(event_id.clone());
        (stored(&event, event_id, placement), changed)
    }
}

fn stored(event: &Value, event_id: String, placement: Placement) -> PduStored {
    let object: CanonicalJsonObject =
        serde_json::from_value(event.clone()).expect("canonical JSON");
    let rules = RoomVersionId::V11.rules().expect("a known version");
    let parts = pdu::split(&object, &rules.redaction).expect("an event");
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
