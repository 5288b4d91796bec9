//! A router of a few endpoints over ruma's types, and what a client sees of it.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response, routing::get};
use facts::{StreamId, Timestamp};
use http::Request;
use http_body_util::BodyExt;
use http_edge::{
    AppserviceClaim, Auth, Claim, Clock, Edge, EdgeBounds, JsonObject, Matrix, MatrixError,
    MatrixResponse, PeerAddress, Session, SessionKind, SessionRefusal, Sessions, Streamed, dress,
    endpoint, endpoint_at,
};
use ruma::{
    api::client::{
        account::register, device::get_device, discovery::get_supported_versions,
        media::create_content, membership::ban_user, room::report_room, session::logout,
        state::get_state_event_for_key, typing::create_typing_event,
    },
    owned_device_id, owned_user_id,
};
use tower::ServiceExt as _;

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }
}

struct TestSessions;

impl Sessions for TestSessions {
    fn lookup(&self, claim: &Claim<'_>, _now: Timestamp) -> Result<Session, SessionRefusal> {
        let session = |kind| Session {
            user: claim
                .as_user
                .filter(|_| kind == SessionKind::Appservice)
                .map_or(owned_user_id!("@alice:example.org"), ToOwned::to_owned),
            device: Some(owned_device_id!("PHONE")),
            user_stream: StreamId(7),
            kind,
            admin: false,
        };
        match claim.token {
            "good" => Ok(session(SessionKind::User)),
            "guest" => Ok(session(SessionKind::Guest)),
            "bridge" => Ok(session(SessionKind::Appservice)),
            "locked" => Err(SessionRefusal::Locked(Box::new(session(SessionKind::User)))),
            "expired" => Err(SessionRefusal::Unknown { soft_logout: true }),
            "lagging" => Err(SessionRefusal::Lagging { retry_after: Duration::from_millis(1500) }),
            _ => Err(SessionRefusal::Unknown { soft_logout: false }),
        }
    }
}

async fn ban(
    Matrix { request, identity }: Matrix<ban_user::v3::Request>,
) -> Result<MatrixResponse<ban_user::v3::Response>, MatrixError> {
    identity.refuse_guest()?;
    if request.user_id == identity.user {
        return Err(MatrixError::forbidden("Nobody bans themselves"));
    }
    Ok(MatrixResponse(ban_user::v3::Response::new()))
}

async fn typing(
    Matrix { .. }: Matrix<create_typing_event::v3::Request>,
) -> MatrixResponse<create_typing_event::v3::Response> {
    MatrixResponse(create_typing_event::v3::Response::new())
}

async fn report(
    Matrix { .. }: Matrix<report_room::v3::Request>,
) -> MatrixResponse<report_room::v3::Response> {
    MatrixResponse(report_room::v3::Response::new())
}

async fn device(
    Matrix { request, identity }: Matrix<get_device::v3::Request>,
) -> Result<String, MatrixError> {
    Ok(format!("{} {}", identity.user, request.device_id))
}

async fn state(Matrix { request, .. }: Matrix<get_state_event_for_key::v3::Request>) -> String {
    format!("{}|{}|{}", request.room_id, request.event_type, request.state_key)
}

async fn registration(Matrix { identity, .. }: Matrix<register::v3::Request>) -> &'static str {
    match identity {
        AppserviceClaim::None => "none",
        AppserviceClaim::Appservice(_) => "appservice",
        AppserviceClaim::Other => "other",
    }
}

async fn log_out(_: Matrix<logout::v3::Request>) -> MatrixResponse<logout::v3::Response> {
    MatrixResponse(logout::v3::Response::new())
}

async fn versions(
    Matrix { identity, .. }: Matrix<get_supported_versions::Request>,
) -> MatrixResponse<get_supported_versions::Response> {
    let signed_in = identity.is_some();
    MatrixResponse(get_supported_versions::Response::new(vec![format!(
        "v1.{}",
        u8::from(signed_in)
    )]))
}

async fn upload(
    Streamed { mut body, request, .. }: Streamed<create_content::v3::Request>,
) -> Result<String, MatrixError> {
    assert!(request.file.is_empty(), "the body is not read by the extractor");
    let mut length = 0;
    while let Some(bytes) = body.next().await? {
        length += bytes.len();
    }
    Ok(length.to_string())
}

async fn object(Auth(session): Auth, JsonObject(object): JsonObject) -> String {
    format!("{} sent {} keys", session.user, object.len())
}

pub(crate) fn app(bounds: EdgeBounds) -> Router {
    let edge = Edge::new(Arc::new(TestSessions), Arc::new(FixedClock), bounds);
    let routes = Router::new()
        .merge(endpoint(ban))
        .merge(endpoint(typing))
        .merge(endpoint(report))
        .merge(endpoint(device))
        .merge(endpoint(state))
        .merge(endpoint_at("/_matrix/client/v3/rooms/{room_id}/state/{event_type}", state))
        .merge(endpoint(registration))
        .merge(endpoint(log_out))
        .merge(endpoint(versions))
        .merge(endpoint(upload))
        .route("/_test/object", axum::routing::post(object))
        .route("/_test/panic", get(|| async { panic!("a broken invariant") as () }));
    dress(routes, edge)
}

pub(crate) async fn send(app: Router, request: Request<Body>) -> Response {
    app.oneshot(request).await.expect("routers do not fail")
}

pub(crate) fn request(
    method: &str,
    path: &str,
    token: Option<&str>,
    body: impl Into<Body>,
) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    let mut request = builder.body(body.into()).expect("a request");
    let address = "192.0.2.1".parse().expect("an address");
    request.extensions_mut().insert(PeerAddress(address));
    request
}

/// Status, the headers that matter, and the body, as one text to look at.
pub(crate) async fn shown(response: Response) -> String {
    let status = response.status().as_u16();
    let retry = response.headers().get("retry-after").cloned();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    let body = String::from_utf8(bytes.to_vec()).expect("text");
    let retry = retry
        .map_or(String::new(), |value| format!(" retry-after={}", value.to_str().expect("text")));
    format!("{status}{retry} {body}")
}

pub(crate) async fn answer(
    method: &str,
    path: &str,
    token: Option<&str>,
    body: impl Into<Body>,
) -> String {
    let app = app(EdgeBounds::default());
    shown(send(app, request(method, path, token, body)).await).await
}

pub(crate) const BAN: &str = "/_matrix/client/v3/rooms/!r:example.org/ban";
pub(crate) const REPORT: &str = "/_matrix/client/v3/rooms/!r:example.org/report";
pub(crate) const GOOD: Option<&str> = Some("good");
