//! A server with accounts, officers and a room, which answers over the real router.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use commands::{
    ServerIdentity, WriteSide, WriteSideParts,
    audit::By,
    governance::{Actor, approve_role, bootstrap_roles, request_role},
    media::BlobStore,
    room::{MemberDetails, Sent, create_room, join_room, send_event},
    user::{self as users, Passwords, RegisterRequest},
};
use decide::room::{CreateRoom, NewEvent, Preset};
use event_log::{Clock, Disk, Log, LogOptions, OsDisk, SeededRandom, ledger::Ledger};
use facts::{
    Fact, LogPosition, Timestamp,
    fact::{AccountKind, Role},
};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use http_edge::{
    Claim, Edge, EdgeBounds, PeerAddress, Session, SessionKind, SessionRefusal, Sessions, dress,
};
use policies::{
    ADMIN_PREFIX, StaffRoutes,
    destruction::{Destroyer, Destruction, logged},
    staff_router,
};
use projections::{ClientView, follower::FollowerHandle};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId, RoomVersionId, UserId};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::journal::Failing;

pub(crate) const DAY: u64 = 86_400_000;

/// One millisecond passes at each look.
pub(crate) struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct EdgeClock;

impl http_edge::Clock for EdgeClock {
    fn now(&self) -> Timestamp {
        Timestamp(1)
    }
}

/// A token is a person's name; `admin` is a server administrator, `bot` an application service.
struct NameSessions(WriteSide);

impl Sessions for NameSessions {
    fn lookup(&self, claim: &Claim<'_>, _: Timestamp) -> Result<Session, SessionRefusal> {
        let unknown = SessionRefusal::Unknown { soft_logout: false };
        let user = user(claim.token.strip_prefix("bot-").unwrap_or(claim.token));
        let user_stream = self.0.user_stream(&user).unwrap().ok_or(unknown)?;
        let kind = match claim.token.strip_prefix("bot-") {
            Some(_) => SessionKind::Appservice,
            None => SessionKind::User,
        };
        let admin = claim.token == "admin";
        Ok(Session { user, device: None, user_stream, kind, admin })
    }
}

pub(crate) fn user(name: &str) -> OwnedUserId {
    UserId::parse(format!("@{name}:example.org")).unwrap()
}

pub(crate) fn who(name: &str) -> Actor {
    Actor { user: user(name), address: None }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }
}

pub(crate) struct World {
    pub(crate) ws: WriteSide,
    pub(crate) failing: Arc<Failing>,
    pub(crate) view: ClientView,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) blobs: Arc<BlobStore>,
    clock: Arc<Ticking>,
    app: Router,
    _follower: FollowerHandle,
    dir: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

/// Where a world is, and how it begins.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    /// Where the clock begins.
    pub(crate) begins: u64,
    /// Seed of the randomness: another one each time, or names come twice.
    pub(crate) seed: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) disk: Arc<dyn Disk>,
    /// Held so that it goes with the world.
    pub(crate) temporary: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) fn at(dir: PathBuf, begins: u64) -> Self {
        let segment_bytes = LogOptions::new(&dir, "example.org").segment_bytes;
        Self { dir, begins, seed: 7, segment_bytes, disk: Arc::new(OsDisk), temporary: None }
    }
}

impl World {
    /// Ann and Ben are compliance officers, Cleo is legal, Otto an auditor; Dan, Eve and the
    /// server's administrator hold no role.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(dir.path().to_owned(), 1_700_000_000_000);
        let world = Self::open(Place { temporary: Some(dir), ..place }).await;
        world.people().await;
        world
    }

    /// Opens what is there, or an empty one without people.
    pub(crate) async fn open(place: Place) -> Self {
        let dir = place.dir;
        let clock = Arc::new(Ticking(AtomicU64::new(place.begins)));
        let random = Arc::new(SeededRandom::new(place.seed));
        let mut options = LogOptions::new(&dir, "example.org");
        options.segment_bytes = place.segment_bytes;
        let (clocked, rolled) = (Arc::clone(&clock) as _, Arc::clone(&random) as _);
        let log = Log::open_on(options, clocked, rolled, place.disk).unwrap();
        let failing = Failing::over(Arc::new(log));
        let name = ruma::server_name!("example.org").to_owned();
        let identity = ServerIdentity::from_seed(name, "a_1".to_owned(), &[7; 32]).unwrap();
        let parts = WriteSideParts::new(
            Arc::clone(&failing) as _,
            dir.join("folds"),
            Arc::new(identity),
            Arc::clone(&clock) as _,
            random,
        );
        let ws = WriteSide::open(parts).await.unwrap();
        let source = Arc::clone(&failing.log) as _;
        let (view, follower) = ClientView::start(source, &dir, "example.org").unwrap();
        let record = Arc::clone(&failing) as _;
        let ledger = Ledger::open(Arc::clone(&failing.log), &SeededRandom::new(9)).unwrap();
        let ledger = Arc::new(ledger);
        let blobs = Arc::new(BlobStore::open(dir.join("media")).await.unwrap());
        let routes = StaffRoutes {
            write_side: ws.clone(),
            record,
            view: view.clone(),
            destruction: Destruction::default(),
            ledger: Arc::clone(&ledger),
            blobs: Arc::clone(&blobs),
        };
        let sessions = NameSessions(ws.clone());
        let bounds = EdgeBounds { rates_enabled: false, ..EdgeBounds::default() };
        let edge = Edge::new(Arc::new(sessions), Arc::new(EdgeClock), bounds);
        let app = dress(staff_router(routes), edge);
        Self {
            ws,
            failing,
            view,
            ledger,
            blobs,
            clock,
            app,
            _follower: follower,
            dir,
            _temporary: place.temporary,
        }
    }

    /// As an orderly stop: everything is on disk, and another process may open it.
    pub(crate) async fn close(self) -> PathBuf {
        self.ws.flush().await.unwrap();
        self.failing.log.close();
        self.dir
    }

    pub(crate) async fn people(&self) {
        for name in ["ann", "ben", "cleo", "otto", "dan", "eve", "admin"] {
            let user = user(name);
            let request = RegisterRequest {
                user: &user,
                kind: AccountKind::User,
                password: None,
                admin: name == "admin",
                display_name: None,
                log_in: None,
                registration_token: None,
                reserved: false,
                by: &By::operator(),
            };
            users::register(&self.ws, &Passwords::new(1), request).await.unwrap();
        }
        bootstrap_roles(&self.ws, &[user("ann"), user("ben")]).await.unwrap();
        for (role, name) in [(Role::Legal, "cleo"), (Role::Auditor, "otto")] {
            self.grant(role, name).await;
        }
    }

    /// What a run of the policies works with.
    pub(crate) fn destroyer(&self) -> Destroyer {
        Destroyer {
            offsite: None,
            write_side: self.ws.clone(),
            record: Arc::clone(&self.failing) as _,
            keys: Arc::clone(&self.failing.log) as _,
            view: self.view.clone(),
            blobs: Arc::clone(&self.blobs),
            keyring_backup_ms: 7 * DAY,
            before: logged(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().0
    }

    pub(crate) fn pass_days(&self, days: u64) {
        self.clock.0.fetch_add(days * DAY, Ordering::Relaxed);
    }

    pub(crate) async fn room(&self, creator: &str) -> OwnedRoomId {
        let mut wish = CreateRoom::new(user(creator), RoomVersionId::V12);
        wish.preset = Some(Preset::PublicChat);
        create_room(&self.ws, &wish, false).await.unwrap()
    }

    pub(crate) async fn send(&self, room: &OwnedRoomId, name: &str, content: Value) -> Sent {
        let content = NewEvent::content_of(&content).unwrap();
        let event = NewEvent::message(user(name), "m.room.message", content);
        send_event(&self.ws, room, event).await.unwrap()
    }

    pub(crate) async fn say(&self, room: &OwnedRoomId, name: &str, body: &str) -> Sent {
        self.send(room, name, json!({ "msgtype": "m.text", "body": body })).await
    }

    pub(crate) async fn join(&self, room: &OwnedRoomId, name: &str) {
        join_room(&self.ws, room, user(name), &MemberDetails::default()).await.unwrap();
    }

    pub(crate) async fn redact(&self, room: &OwnedRoomId, name: &str, event: &OwnedEventId) {
        let nothing = NewEvent::content_of(&json!({})).unwrap();
        let mut redaction = NewEvent::message(user(name), "m.room.redaction", nothing);
        redaction.redacts = Some(event.clone());
        send_event(&self.ws, room, redaction).await.unwrap();
    }

    /// Gives a role by Ann and Ben.
    pub(crate) async fn grant(&self, role: Role, name: &str) {
        let asked =
            request_role(&self.ws, &who("ann"), role, &user(name), "because").await.unwrap();
        approve_role(&self.ws, &who("ben"), asked, "agreed").await.unwrap();
    }

    /// Ends a hold by two officers.
    pub(crate) async fn release(&self, one: &str, other: &str, hold: u64) {
        let why = json!({ "reason": "settled" });
        let asked = self.post(one, &format!("/holds/{hold}/release"), &why).await.ok();
        let path = format!("/holds/releases/{}/approve", asked["request"]);
        self.post(other, &path, &why).await.ok();
    }

    pub(crate) async fn is_deactivated(&self, name: &str) -> bool {
        self.view.wait_for(self.failing.log.head(), Duration::from_secs(30)).await;
        let view = self.view.snapshot().unwrap();
        let stream = view.user(user(name).as_str()).unwrap().unwrap();
        view.account(stream).unwrap().unwrap().deactivated
    }

    pub(crate) fn media_path(&self, file: &str) -> PathBuf {
        self.dir.join("media").join(&file[..2]).join(file)
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call("GET", token, path, &Value::Null).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.call("POST", token, path, body).await
    }

    pub(crate) async fn call(&self, method: &str, token: &str, path: &str, body: &Value) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{ADMIN_PREFIX}{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(PeerAddress([192, 0, 2, 1].into()));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// The bytes of a good answer.
    pub(crate) async fn bytes(&self, token: &str, path: &str) -> Vec<u8> {
        self.get_raw(token, path).await.unwrap_or_else(|| panic!("{path}"))
    }

    /// The bytes of a good answer; `None` for 404.
    pub(crate) async fn get_raw(&self, token: &str, path: &str) -> Option<Vec<u8>> {
        let request = Request::get(format!("{ADMIN_PREFIX}{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        if response.status() == StatusCode::NOT_FOUND {
            return None;
        }
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Some(response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    /// Opens a case as Ann; its number.
    pub(crate) async fn open_case(&self, scope: Value) -> u64 {
        let mut body = scope;
        body["expires_at"] = (self.now() + 30 * DAY).into();
        body["reason"] = "inquiry 7".into();
        self.post("ann", "/cases", &body).await.ok()["case"].as_u64().unwrap()
    }

    /// Opens a case as Ann that Ben approves; its number.
    pub(crate) async fn case(&self, scope: Value) -> u64 {
        let case = self.open_case(scope).await;
        self.decide("ben", "approve", case).await.ok();
        case
    }

    /// `approve`, `reject` or `close`.
    pub(crate) async fn decide(&self, name: &str, how: &str, case: u64) -> Answer {
        self.post(name, &format!("/cases/{case}/{how}"), &json!({ "reason": "because" })).await
    }

    /// Every fact of the log, from a position on.
    pub(crate) fn facts(&self, from: LogPosition) -> Vec<(LogPosition, Fact)> {
        let log = &self.failing.log;
        (from.0..=log.head().0)
            .filter_map(|at| {
                let entry = log.read(LogPosition(at)).unwrap()?;
                Some((LogPosition(at), entry.fact().unwrap()?))
            })
            .collect()
    }
}
