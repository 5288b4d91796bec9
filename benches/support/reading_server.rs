//! The read side over a written log: real log, real view, real router, no sockets.

use std::{collections::HashMap, ops::Range, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use bytes::Bytes;
use event_log::{Log, LogOptions, SystemRandom};
use facts::{StreamId, Timestamp, fact::MediaStored};
use http::Request;
use http_body_util::BodyExt as _;
use http_edge::{
    Claim, Clock, Edge, EdgeBounds, PeerAddress, Session, SessionKind, SessionRefusal, Sessions,
    dress,
};
use projections::{ClientView, follower::FollowerHandle};
use read_side::{
    BlobError, BlobStream, KeepEverything, MediaBlobs, ReadSettings, ReadSide, ReadSideParts, Wish,
    WishFuture, Wishes, router,
};
use ruma::{OwnedDeviceId, OwnedUserId, owned_server_name};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::written_log::{DEVICE, WrittenLog};

const SERVER: &str = "bench.example";
const NOW: Timestamp = Timestamp(1_790_000_000_000);
/// The view follows within this, or the bench fails.
const FOLLOW_MAX: Duration = Duration::from_mins(5);

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
}

struct NoWishes;

impl Wishes for NoWishes {
    fn wish(&self, _: Wish) -> WishFuture {
        Box::pin(std::future::ready(()))
    }
}

struct NoBlobs;

impl MediaBlobs for NoBlobs {
    fn read(&self, _: &MediaStored, _: Range<u64>) -> BlobStream {
        Box::pin(futures_util::stream::iter([Err(BlobError::Gone)]))
    }
}

/// A token is a user id.
struct KnownPeople(HashMap<String, StreamId>);

impl Sessions for KnownPeople {
    fn lookup(&self, claim: &Claim<'_>, _: Timestamp) -> Result<Session, SessionRefusal> {
        let unknown = SessionRefusal::Unknown { soft_logout: false };
        let Some(user_stream) = self.0.get(claim.token) else { return Err(unknown) };
        Ok(Session {
            user: OwnedUserId::try_from(claim.token).map_err(|_| unknown)?,
            device: Some(OwnedDeviceId::from(DEVICE)),
            user_stream: *user_stream,
            kind: SessionKind::User,
            admin: false,
        })
    }
}

/// A log with a view on it that answers requests.
pub(crate) struct ReadingServer {
    /// To write more to the log.
    pub(crate) written: WrittenLog,
    log: Arc<Log>,
    view: ClientView,
    app: Router,
    // Dropped in this order: the follower ends before its files go.
    _follower: FollowerHandle,
    _dir: tempfile::TempDir,
}

impl ReadingServer {
    /// With so many people and rooms, and no talk yet.
    pub(crate) fn new(people: usize, rooms: usize) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let options = LogOptions::new(dir.path(), SERVER);
        let log = Log::open(options, Arc::new(|| NOW), Arc::new(SystemRandom)).expect("a new log");
        let log = Arc::new(log);
        let written = WrittenLog::new(Arc::clone(&log), SERVER, people, rooms);
        let (view, follower) =
            ClientView::start(Arc::clone(&log) as _, dir.path(), SERVER).expect("the view starts");
        let known = written.people().map(|(name, stream)| (name.to_owned(), stream)).collect();
        let bounds = EdgeBounds { rates_enabled: false, ..EdgeBounds::default() };
        let edge = Edge::new(Arc::new(KnownPeople(known)), Arc::new(FixedClock), bounds);
        let app = dress(router(read_side(view.clone())), edge);
        Self { written, log, view, app, _follower: follower, _dir: dir }
    }

    /// The user id, and so the token, of a person.
    pub(crate) fn user_id(&self, person: usize) -> String {
        let (user_id, _) = self.written.people().nth(person).expect("registered");
        user_id.to_owned()
    }

    /// Waits until the view has everything that is in the log.
    pub(crate) async fn follow(&self) {
        assert!(self.view.wait_for(self.log.head(), FOLLOW_MAX).await, "the view follows");
    }

    /// The body of a `GET` below `/_matrix/client` that must be good, as of the log's head.
    pub(crate) async fn bytes(&self, token: &str, path: &str) -> Bytes {
        self.follow().await;
        let mut request = Request::builder()
            .uri(format!("/_matrix/client{path}"))
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .expect("a request");
        request.extensions_mut().insert(PeerAddress([192, 0, 2, 1].into()));
        let response = self.app.clone().oneshot(request).await.expect("routers do not fail");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        assert!(status.is_success(), "{status}: {bytes:?}");
        bytes
    }

    /// As [`Self::bytes`], read as JSON.
    pub(crate) async fn get(&self, token: &str, path: &str) -> Value {
        serde_json::from_slice(&self.bytes(token, path).await).expect("JSON")
    }
}

fn read_side(view: ClientView) -> ReadSide {
    ReadSide::new(ReadSideParts {
        view,
        clock: Arc::new(FixedClock),
        wishes: Arc::new(NoWishes),
        blobs: Arc::new(NoBlobs),
        keeping: Arc::new(KeepEverything::default()),
        stopping: tokio::sync::watch::channel(false).1,
        settings: ReadSettings {
            server_name: owned_server_name!("bench.example"),
            public_base_url: None,
            default_room_version: "12".to_owned(),
            upload_bytes_max: 5_000_000,
            sync_wait_max: Duration::from_secs(5),
            boot_id: 7,
        },
    })
}
