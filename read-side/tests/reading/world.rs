//! A server with people and rooms in a log in memory, which answers over its real router.

use std::{
    collections::HashMap,
    ops::{Deref, Range},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use decide::policy::InForce;
use facts::{
    Fact, LogPosition, StreamId, Timestamp,
    fact::{DeviceAdded, MediaStored},
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use http_edge::{
    Claim, Clock, Edge, EdgeBounds, PeerAddress, Session, SessionKind, SessionRefusal, Sessions,
    dress,
};
use parking_lot::Mutex;
pub(crate) use projections::source::memory::{HERE, user_id};
use projections::{
    ClientView,
    follower::FollowerHandle,
    source::{
        EntrySource,
        memory::{MemoryLog, Scribe},
    },
};
use read_side::{
    BlobError, BlobStream, KeepingRules, MediaBlobs, ReadSettings, ReadSide, ReadSideParts, Wish,
    WishFuture, Wishes, router,
};
use ruma::{OwnedUserId, owned_device_id, owned_server_name};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::fake_remote::FakeRemote;

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

/// What policies say, for a test to set.
#[derive(Default)]
struct SetRules(Mutex<Arc<InForce>>);

impl KeepingRules for SetRules {
    fn in_force(&self) -> Arc<InForce> {
        self.0.lock().clone()
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

pub(crate) struct World {
    scribe: Scribe,
    people: People,
    view: ClientView,
    app: Router,
    blobs: Arc<MemoryBlobs>,
    rules: Arc<SetRules>,
    pub(crate) remote: Arc<FakeRemote>,
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

impl Deref for World {
    type Target = Scribe;

    fn deref(&self) -> &Scribe {
        &self.scribe
    }
}

/// Events go by their ids here, for that is how clients know them.
impl World {
    pub(crate) fn new() -> Self {
        let scribe = Scribe::new(MemoryLog::new(9));
        let remote = Arc::new(FakeRemote::new(scribe.log.clone()));
        let (people, blobs, rules) = <(People, Arc<MemoryBlobs>, Arc<SetRules>)>::default();
        Self::over(scribe, people, blobs, rules, remote)
    }

    /// The same world, whose view is built anew from what is left of the log.
    pub(crate) fn rebuilt(self) -> Self {
        Self::over(self.scribe, self.people, self.blobs, self.rules, self.remote)
    }

    fn over(
        scribe: Scribe,
        people: People,
        blobs: Arc<MemoryBlobs>,
        rules: Arc<SetRules>,
        remote: Arc<FakeRemote>,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (view, follower) =
            ClientView::start(scribe.log.clone(), dir.path(), HERE).expect("the view starts");
        let parts = ReadSideParts {
            view: view.clone(),
            clock: Arc::new(FixedClock),
            wishes: Arc::new(NoWishes),
            blobs: blobs.clone(),
            keeping: rules.clone(),
            stopping: tokio::sync::watch::channel(false).1,
            settings: ReadSettings {
                server_name: owned_server_name!("here.test"),
                public_base_url: Some("https://here.test".to_owned()),
                default_room_version: "12".to_owned(),
                upload_bytes_max: 5_000_000,
                sync_wait_max: Duration::from_secs(5),
                boot_id: 7,
            },
        };
        let read = ReadSide::with_remote(parts, remote.clone());
        let bounds = EdgeBounds { rates_enabled: false, ..EdgeBounds::default() };
        let edge = Edge::new(Arc::new(NameSessions(people.clone())), Arc::new(FixedClock), bounds);
        Self {
            scribe,
            people,
            view,
            app: dress(router(read), edge),
            blobs,
            rules,
            remote,
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

    /// A fact in a person's own stream.
    pub(crate) fn own(&self, name: &str, fact: impl Into<Fact>) -> LogPosition {
        self.scribe.own(self.person(name), fact)
    }

    pub(crate) fn person(&self, name: &str) -> StreamId {
        self.users[name]
    }

    pub(crate) fn user(&mut self, name: &str) {
        let stream = self.scribe.user(name);
        self.people.lock().insert(name.to_owned(), stream);
        let display_name = Some(format!("{name}'s phone"));
        self.own(name, DeviceAdded { device_id: "DEVICE".to_owned(), display_name });
    }

    /// From now on this is in force.
    pub(crate) fn rule(&self, in_force: InForce) {
        *self.rules.0.lock() = Arc::new(in_force);
    }

    pub(crate) fn blob(&self, name: &str, bytes: Vec<u8>) {
        self.blobs.0.lock().insert(name.to_owned(), bytes);
    }

    /// A room with its creator in it.
    pub(crate) fn room(&mut self, creator: &str) -> usize {
        self.scribe.room(creator)
    }

    pub(crate) fn room_of(&mut self, creator: &str, create: Value) -> usize {
        self.scribe.room_of(creator, create)
    }

    pub(crate) fn id(&self, room: usize) -> &str {
        &self.rooms[room].id
    }

    pub(crate) fn member(&mut self, room: usize, name: &str, membership: &str) -> String {
        let at = self.scribe.member(room, name, membership);
        self.event_id(at)
    }

    pub(crate) fn text(&mut self, room: usize, name: &str, body: &str) -> String {
        let at = self.scribe.text(room, name, body);
        self.event_id(at)
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
    pub(crate) fn send(
        &mut self,
        room: usize,
        name: &str,
        event_type: &str,
        state_key: Option<&str>,
        content: Value,
    ) -> String {
        let at = self.scribe.send(room, name, event_type, state_key, content);
        self.event_id(at)
    }

    /// The next event of the room follows one that nobody here has.
    pub(crate) fn lose_one(&mut self, room: usize, lost: &str) {
        self.scribe.rooms[room].last = Some(lost.to_owned());
    }

    /// Redacts an event; the redaction's id.
    pub(crate) fn redact(&mut self, room: usize, name: &str, target: &str) -> String {
        let at = self.scribe.redact(room, name, self.position_of(target));
        self.event_id(at)
    }
}
