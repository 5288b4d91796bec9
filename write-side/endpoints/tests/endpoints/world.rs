//! A server without sockets: a log in a directory of its own, the write side, the routes.
//!
//! Owns what the composition root wires otherwise: sessions by token, and who is in which room.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body};
use commands::{
    ServerIdentity, WriteSide, WriteSideParts,
    media::BlobStore,
    user::{Passwords, TokenLifetimes, create_registration_token},
};
use decide::user::uia::RegistrationMode;
use event_log::{Log, LogOptions, SeededRandom};
use facts::Timestamp;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use http_edge::{
    Claim, Clock, Edge, EdgeBounds, Rate, RateTable, Session, SessionKind, SessionRefusal,
    Sessions, dress,
};
use ruma::{
    OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId, UserId,
    events::room::member::MembershipState, server_name,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use write_endpoints::{
    MediaId, MediaIds, Memberships, NoNamespaces, NoRemote, Remote, RoomAliases, WriteEndpoints,
    WriteEndpointsParts, WriteSettings,
};

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub(crate) const REGISTRATION_TOKEN: &str = "sesame";
/// Logins at once of a server that limits them.
pub(crate) const LOGIN_BURST: u32 = 3;
/// Longest upload of the tests' server, in bytes.
pub(crate) const UPLOAD_MAX: usize = 1_000;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

#[derive(Default)]
struct TestSessions(Mutex<HashMap<String, Session>>);

impl Sessions for TestSessions {
    fn lookup(&self, claim: &Claim<'_>, _now: Timestamp) -> Result<Session, SessionRefusal> {
        let sessions = self.0.lock().unwrap();
        let session = sessions.get(claim.token).cloned();
        session.ok_or(SessionRefusal::Unknown { soft_logout: false })
    }
}

#[derive(Default)]
struct TestMemberships(Mutex<Vec<(OwnedUserId, OwnedRoomId, MembershipState)>>);

impl Memberships for TestMemberships {
    fn of(&self, user: &UserId) -> Vec<(OwnedRoomId, MembershipState)> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter(|(member, ..)| member == user)
            .map(|(_, room, membership)| (room.clone(), membership.clone()))
            .collect()
    }
}

#[derive(Default)]
struct TestAliases(Mutex<Vec<(OwnedRoomId, OwnedRoomAliasId)>>);

impl RoomAliases for TestAliases {
    fn of(&self, room: &RoomId) -> Vec<OwnedRoomAliasId> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|(of, _)| of == room).map(|(_, alias)| alias.clone()).collect()
    }
}

#[derive(Default)]
struct TestMediaIds(Mutex<HashMap<String, MediaId>>);

impl MediaIds for TestMediaIds {
    fn find(&self, media_id: &str) -> Option<MediaId> {
        self.0.lock().unwrap().get(media_id).copied()
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answered {
    /// The body of a good answer.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }

    /// Status and code of a refusal.
    pub(crate) fn refused(self) -> (u16, String) {
        let code = self.body["errcode"].as_str().unwrap_or("-").to_owned();
        assert!(!self.status.is_success(), "{}", self.body);
        (self.status.as_u16(), code)
    }
}

/// A refusal to compare with.
pub(crate) fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user_id: OwnedUserId,
    pub(crate) device_id: String,
    pub(crate) token: String,
}

/// The server.
pub(crate) struct World {
    pub(crate) write_side: WriteSide,
    pub(crate) state: WriteEndpoints,
    app: Router,
    sessions: Arc<TestSessions>,
    memberships: Arc<TestMemberships>,
    aliases: Arc<TestAliases>,
    media_ids: Arc<TestMediaIds>,
    dir: TempDir,
}

impl World {
    /// A server on which anybody may register.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut WriteSettings)) -> Self {
        let bounds =
            EdgeBounds { rates_enabled: false, upload_max: UPLOAD_MAX, ..EdgeBounds::default() };
        Self::open(bounds, Arc::new(NoRemote), change).await
    }

    /// A server that limits logins to [`LOGIN_BURST`] at once.
    pub(crate) async fn limited() -> Self {
        let login = Rate { per_minute: 1, burst: LOGIN_BURST };
        let bounds = EdgeBounds {
            rates: RateTable { login, ..RateTable::default() },
            ..EdgeBounds::default()
        };
        Self::open(bounds, Arc::new(NoRemote), |_| {}).await
    }

    /// A server that waits for a body only briefly.
    pub(crate) async fn impatient() -> Self {
        let bounds = EdgeBounds {
            rates_enabled: false,
            body_deadline: Duration::from_millis(20),
            ..EdgeBounds::default()
        };
        Self::open(bounds, Arc::new(NoRemote), |_| {}).await
    }

    /// A server that reaches others.
    pub(crate) async fn federating(remote: Arc<dyn Remote>) -> Self {
        let bounds = EdgeBounds { rates_enabled: false, ..EdgeBounds::default() };
        Self::open(bounds, remote, |_| {}).await
    }

    async fn open(
        bounds: EdgeBounds,
        remote: Arc<dyn Remote>,
        change: impl FnOnce(&mut WriteSettings),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let random = Arc::new(SeededRandom::new(1));
        let clock = Arc::new(|| NOW);
        let options = LogOptions::new(dir.path(), "example.org");
        let log = Log::open(options, clock.clone(), random.clone()).unwrap();
        let name = server_name!("example.org").to_owned();
        let identity = ServerIdentity::from_seed(name, "a_1".to_owned(), &[7; 32]).unwrap();
        let folds = dir.path().join("folds");
        let parts = WriteSideParts::new(Arc::new(log), folds, Arc::new(identity), clock, random);
        let write_side = WriteSide::open(parts).await.unwrap();
        let token = create_registration_token(&write_side, REGISTRATION_TOKEN, Some(1), None, true);
        token.await.unwrap();

        let mut settings = WriteSettings {
            registration: RegistrationMode::Open,
            shared_secret: None,
            default_room_version: RoomVersionId::V12,
            public_base_url: Some("https://matrix.example.org".to_owned()),
            token_lifetimes: TokenLifetimes {
                refreshable_access_ms: Some(3_600_000),
                plain_access_ms: None,
            },
        };
        change(&mut settings);
        let sessions = Arc::new(TestSessions::default());
        let memberships = Arc::new(TestMemberships::default());
        let aliases = Arc::new(TestAliases::default());
        let media_ids = Arc::new(TestMediaIds::default());
        let state = WriteEndpoints::new(WriteEndpointsParts {
            write_side: write_side.clone(),
            passwords: Passwords::new(2),
            media: Arc::new(BlobStore::open(dir.path().join("media")).await.unwrap()),
            memberships: memberships.clone(),
            room_aliases: aliases.clone(),
            media_ids: media_ids.clone(),
            namespaces: Arc::new(NoNamespaces),
            remote,
            settings,
        });
        let edge = Edge::new(sessions.clone(), Arc::new(FixedClock), bounds);
        Self {
            app: dress(write_endpoints::router(state.clone()), edge),
            write_side,
            state,
            sessions,
            memberships,
            aliases,
            media_ids,
            dir,
        }
    }

    /// Files of media, finished or not.
    pub(crate) fn media_files(&self) -> usize {
        let mut folders = vec![self.dir.path().join("media")];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files += 1 }
            }
        }
        files
    }

    /// Sends raw bytes.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answered { status, body }
    }

    async fn json(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> Answered {
        let path = if path.starts_with("/_") {
            path.to_owned()
        } else {
            format!("/_matrix/client/v3{path}")
        };
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if method == "GET" { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn anonymous(&self, method: &str, path: &str, body: Value) -> Answered {
        self.json(method, path, None, &body).await
    }

    pub(crate) async fn by(
        &self,
        person: &Person,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answered {
        self.json(method, path, Some(&person.token), &body).await
    }

    /// Registers somebody with the password `wonderland`.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let body = json!({
            "username": name,
            "password": "wonderland",
            "auth": { "type": "m.login.dummy" },
        });
        let answer = self.anonymous("POST", "/register", body).await.ok();
        self.sign_in(&answer)
    }

    /// Makes the tokens of a login or registration known, as the sessions view does.
    pub(crate) fn sign_in(&self, answer: &Value) -> Person {
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        let user_id = OwnedUserId::try_from(text("user_id")).unwrap();
        let session = Session {
            user_stream: self.write_side.user_stream(&user_id).unwrap().unwrap(),
            user: user_id.clone(),
            device: Some(text("device_id").into()),
            kind: SessionKind::User,
            admin: false,
        };
        let token = text("access_token");
        self.sessions.0.lock().unwrap().insert(token.clone(), session);
        Person { user_id, device_id: text("device_id"), token }
    }

    /// Makes a membership known, as the client view does.
    pub(crate) fn is_in(&self, person: &Person, room: &str) {
        let room = OwnedRoomId::try_from(room).unwrap();
        let row = (person.user_id.clone(), room, MembershipState::Join);
        self.memberships.0.lock().unwrap().push(row);
    }

    /// Makes a person's session that of a server administrator, as the sessions view does.
    pub(crate) fn is_admin(&self, person: &Person) {
        self.sessions.0.lock().unwrap().get_mut(&person.token).unwrap().admin = true;
    }

    /// Makes an alias known, as the client view does.
    pub(crate) fn is_named(&self, room: &str, alias: &str) {
        let row = (OwnedRoomId::try_from(room).unwrap(), alias.try_into().unwrap());
        self.aliases.0.lock().unwrap().push(row);
    }

    /// Makes a media id known, as the client view does.
    pub(crate) fn is_media(&self, owner: &Person, media_id: &str, has_content: bool) {
        let owner = self.write_side.user_stream(&owner.user_id).unwrap().unwrap();
        let media = MediaId { owner, has_content };
        self.media_ids.0.lock().unwrap().insert(media_id.to_owned(), media);
    }

    /// Content of a place in a room's current state; null where nothing is there.
    pub(crate) async fn state(&self, room: &str, event_type: &str, key: &str) -> Value {
        let room = RoomId::parse(room).unwrap();
        let fold = self.write_side.room(&room).await.unwrap();
        let Some(entry) = fold.state_entry(event_type, key) else { return Value::Null };
        let stored = self.write_side.pdu(&room, &entry.event_id).await.unwrap().unwrap();
        serde_json::to_value(stored.pdu.content_object().unwrap()).unwrap()
    }

    /// A room that anybody may join.
    pub(crate) async fn public_room(&self, creator: &Person) -> String {
        let body = json!({ "preset": "public_chat" });
        let answer = self.by(creator, "POST", "/createRoom", body).await.ok();
        answer["room_id"].as_str().unwrap().to_owned()
    }
}
