//! The edge as a client sees it: tiny routers over ruma's types, called without a socket.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response, routing::get};
use facts::{StreamId, Timestamp};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use http_edge::{
    AppserviceClaim, Auth, Claim, Clock, Edge, EdgeBounds, JsonObject, Matrix, MatrixError,
    MatrixResponse, PeerAddress, Rate, RateTable, Session, SessionKind, SessionRefusal, Sessions,
    Streamed, dress, endpoint, endpoint_at,
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
    Streamed { body, request, .. }: Streamed<create_content::v3::Request>,
) -> Result<String, MatrixError> {
    assert!(request.file.is_empty(), "the body is not read by the extractor");
    let bytes = body.collect().await.map_err(|_| MatrixError::too_large("Too large"))?.to_bytes();
    Ok(bytes.len().to_string())
}

async fn object(Auth(session): Auth, JsonObject(object): JsonObject) -> String {
    format!("{} sent {} keys", session.user, object.len())
}

fn app(bounds: EdgeBounds) -> Router {
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

async fn send(app: Router, request: Request<Body>) -> Response {
    app.oneshot(request).await.expect("routers do not fail")
}

fn request(method: &str, path: &str, token: Option<&str>, body: impl Into<Body>) -> Request<Body> {
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
async fn shown(response: Response) -> String {
    let status = response.status().as_u16();
    let retry = response.headers().get("retry-after").cloned();
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    let body = String::from_utf8(bytes.to_vec()).expect("text");
    let retry = retry
        .map_or(String::new(), |value| format!(" retry-after={}", value.to_str().expect("text")));
    format!("{status}{retry} {body}")
}

async fn answer(method: &str, path: &str, token: Option<&str>, body: impl Into<Body>) -> String {
    let app = app(EdgeBounds::default());
    shown(send(app, request(method, path, token, body)).await).await
}

const BAN: &str = "/_matrix/client/v3/rooms/!r:example.org/ban";
const REPORT: &str = "/_matrix/client/v3/rooms/!r:example.org/report";
const GOOD: Option<&str> = Some("good");

#[tokio::test]
async fn a_typed_request_gets_a_typed_answer() {
    let body = r#"{"user_id":"@bob:example.org"}"#;
    insta::assert_snapshot!(answer("POST", BAN, GOOD, body).await, @"200 {}");
    let old = "/_matrix/client/r0/rooms/!r:example.org/ban";
    assert!(answer("POST", old, GOOD, body).await.starts_with("200"));
    let own = r#"{"user_id":"@alice:example.org"}"#;
    insta::assert_snapshot!(answer("POST", BAN, GOOD, own).await, @r#"403 {"errcode":"M_FORBIDDEN","error":"Nobody bans themselves"}"#);
}

#[tokio::test]
async fn bodies_that_are_no_json() {
    insta::assert_snapshot!(answer("POST", BAN, GOOD, "{\"user_id\":").await, @r#"400 {"errcode":"M_NOT_JSON","error":"The request body is not JSON: EOF while parsing a value at line 1 column 11"}"#);
    insta::assert_snapshot!(answer("POST", BAN, GOOD, "nonsense").await, @r#"400 {"errcode":"M_NOT_JSON","error":"The request body is not JSON: expected ident at line 1 column 2"}"#);
    insta::assert_snapshot!(answer("POST", BAN, GOOD, &b"{\"user_id\":\"\xff\"}"[..]).await, @r#"400 {"errcode":"M_NOT_JSON","error":"The request body is not UTF-8"}"#);
    insta::assert_snapshot!(answer("POST", BAN, GOOD, r#"{"user_id":"@b:c"} {}"#).await, @r#"400 {"errcode":"M_NOT_JSON","error":"The request body is not JSON: trailing characters at line 1 column 20"}"#);
    // Wrong in shape first and cut off later: still no JSON.
    let cut_off = answer("POST", BAN, GOOD, r#"{"user_id":1,"x":"#).await;
    assert!(cut_off.contains("M_NOT_JSON"), "{cut_off}");
}

#[tokio::test]
async fn bodies_of_a_wrong_shape() {
    insta::assert_snapshot!(answer("POST", BAN, GOOD, r#"{"user_id":5}"#).await, @r#"400 {"errcode":"M_BAD_JSON","error":"The request body is wrong: invalid type: integer `5`, expected a string at line 1 column 12"}"#);
    insta::assert_snapshot!(answer("POST", BAN, GOOD, "{}").await, @r#"400 {"errcode":"M_BAD_JSON","error":"The request body is wrong: missing field `user_id` at line 1 column 2"}"#);
    insta::assert_snapshot!(answer("POST", BAN, GOOD, "").await, @r#"400 {"errcode":"M_BAD_JSON","error":"The request body is wrong: missing field `user_id` at line 1 column 2"}"#);
    insta::assert_snapshot!(answer("POST", BAN, GOOD, r#"["@bob:example.org"]"#).await, @r#"400 {"errcode":"M_BAD_JSON","error":"The request body must be an object"}"#);
    insta::assert_snapshot!(answer("POST", BAN, GOOD, r#"{"user_id":"bob"}"#).await, @r#"400 {"errcode":"M_BAD_JSON","error":"The request body is wrong: leading sigil is incorrect or missing at line 1 column 17"}"#);
    let deep = format!(r#"{{"user_id":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    insta::assert_snapshot!(answer("POST", BAN, GOOD, deep).await, @r#"400 {"errcode":"M_BAD_JSON","error":"The request body nests deeper than 100 levels"}"#);
}

#[tokio::test]
async fn a_body_past_the_bound() {
    let body = format!(r#"{{"user_id":"{}"}}"#, "x".repeat(1024 * 1024));
    insta::assert_snapshot!(answer("POST", BAN, GOOD, body).await, @r#"413 {"errcode":"M_TOO_LARGE","error":"The request body is larger than 1048576 bytes"}"#);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come() {
    let (_sender, channel) =
        http_body_util::channel::Channel::<bytes::Bytes, std::io::Error>::new(1);
    let never = Body::new(channel);
    insta::assert_snapshot!(answer("POST", BAN, GOOD, never).await, @r#"408 {"errcode":"M_UNKNOWN","error":"The request body did not arrive in time"}"#);
}

#[tokio::test]
async fn tokens() {
    let body = r#"{"user_id":"@bob:example.org"}"#;
    insta::assert_snapshot!(answer("POST", BAN, None, body).await, @r#"401 {"errcode":"M_MISSING_TOKEN","error":"Missing access token"}"#);
    insta::assert_snapshot!(answer("POST", BAN, Some("bad"), body).await, @r#"401 {"errcode":"M_UNKNOWN_TOKEN","error":"Unknown access token","soft_logout":false}"#);
    insta::assert_snapshot!(answer("POST", BAN, Some("expired"), body).await, @r#"401 {"errcode":"M_UNKNOWN_TOKEN","error":"Unknown access token","soft_logout":true}"#);
    insta::assert_snapshot!(answer("POST", BAN, Some("locked"), body).await, @r#"401 {"errcode":"M_USER_LOCKED","error":"This account has been locked","soft_logout":true}"#);
    insta::assert_snapshot!(answer("POST", BAN, Some("lagging"), body).await, @r#"503 retry-after=2 {"errcode":"M_LIMIT_EXCEEDED","error":"The server is busy","retry_after_ms":1500}"#);
    insta::assert_snapshot!(answer("POST", BAN, Some("guest"), body).await, @r#"403 {"errcode":"M_GUEST_ACCESS_FORBIDDEN","error":"Guests may not use this endpoint"}"#);
    // Whoever may not ask is refused before the body is looked at.
    assert!(answer("POST", BAN, Some("bad"), "nonsense").await.contains("M_UNKNOWN_TOKEN"));
    let in_query = format!("{BAN}?access_token=good");
    assert!(answer("POST", &in_query, None, body).await.starts_with("200"));
    assert!(
        answer("POST", "/_matrix/client/v3/logout", Some("locked"), "").await.starts_with("200")
    );
}

#[tokio::test]
async fn optional_tokens() {
    let path = "/_matrix/client/versions";
    insta::assert_snapshot!(answer("GET", path, None, "").await, @r#"200 {"versions":["v1.0"]}"#);
    insta::assert_snapshot!(answer("GET", path, GOOD, "").await, @r#"200 {"versions":["v1.1"]}"#);
    let register = "/_matrix/client/v3/register";
    assert_eq!(answer("POST", register, None, "{}").await, "200 none");
    assert_eq!(answer("POST", register, Some("bridge"), "{}").await, "200 appservice");
    assert_eq!(answer("POST", register, Some("bad"), "{}").await, "200 other");
}

#[tokio::test]
async fn application_services_act_for_their_users() {
    let path = "/_matrix/client/v3/devices/D?user_id=%40ghost%3Aexample.org";
    assert_eq!(answer("GET", path, Some("bridge"), "").await, "200 @ghost:example.org D");
    assert_eq!(answer("GET", path, GOOD, "").await, "200 @alice:example.org D");
    let path = "/_matrix/client/v3/devices/D?user_id=ghost";
    insta::assert_snapshot!(answer("GET", path, Some("bridge"), "").await, @r#"400 {"errcode":"M_INVALID_PARAM","error":"The parameter user_id is no user ID"}"#);
}

#[tokio::test]
async fn paths_and_queries() {
    let path = "/_matrix/client/v3/rooms/%21r%3Aexample.org/state/m.room.member/%40a%2Fb";
    assert_eq!(answer("GET", path, GOOD, "").await, "200 !r:example.org|m.room.member|@a/b");
    let path = "/_matrix/client/v3/rooms/!r:example.org/state/m.room.name";
    assert_eq!(answer("GET", path, GOOD, "").await, "200 !r:example.org|m.room.name|");
    let path = "/_matrix/client/v3/rooms/nonsense/ban";
    insta::assert_snapshot!(answer("POST", path, GOOD, r#"{"user_id":"@b:c"}"#).await, @r#"400 {"errcode":"M_INVALID_PARAM","error":"A parameter is wrong: leading sigil is incorrect or missing"}"#);
    let path = "/_matrix/client/v3/devices/%ff";
    insta::assert_snapshot!(answer("GET", path, GOOD, "").await, @r#"400 {"errcode":"M_INVALID_PARAM","error":"The path is not UTF-8"}"#);
    let path = "/_matrix/client/v3/rooms/!r:example.org/typing/nobody";
    insta::assert_snapshot!(answer("PUT", path, GOOD, r#"{"typing":false}"#).await, @r#"400 {"errcode":"M_INVALID_PARAM","error":"A parameter is wrong: leading sigil is incorrect or missing"}"#);
}

#[tokio::test]
async fn where_no_endpoint_is() {
    insta::assert_snapshot!(answer("GET", "/_matrix/client/v3/nothing", None, "").await, @r#"404 {"errcode":"M_UNRECOGNIZED","error":"Unknown endpoint"}"#);
    insta::assert_snapshot!(answer("DELETE", BAN, None, "").await, @r#"405 {"errcode":"M_UNRECOGNIZED","error":"This endpoint does not take this method"}"#);
}

#[tokio::test]
async fn uploads_are_raw_and_bounded() {
    let path = "/_matrix/media/v3/upload";
    assert_eq!(answer("POST", path, GOOD, vec![0xff; 3000]).await, "200 3000");
    let bounds = EdgeBounds { upload_max: 10, ..EdgeBounds::default() };
    let sent = request("POST", path, GOOD, vec![0xff; 11]);
    insta::assert_snapshot!(shown(send(app(bounds.clone()), sent).await).await, @r#"413 {"errcode":"M_TOO_LARGE","error":"Too large"}"#);
    let mut declared = request("POST", path, GOOD, vec![0xff; 11]);
    declared.headers_mut().insert("content-length", 11.into());
    insta::assert_snapshot!(shown(send(app(bounds), declared).await).await, @r#"413 {"errcode":"M_TOO_LARGE","error":"An upload may have 10 bytes at most"}"#);
}

#[tokio::test]
async fn plain_extractors_have_the_same_errors() {
    let path = "/_test/object";
    assert_eq!(
        answer("POST", path, GOOD, r#"{"a":1}"#).await,
        "200 @alice:example.org sent 1 keys"
    );
    assert!(answer("POST", path, None, "{}").await.contains("M_MISSING_TOKEN"));
    assert!(answer("POST", path, GOOD, "{").await.contains("M_NOT_JSON"));
    assert!(answer("POST", path, GOOD, "[]").await.contains("M_BAD_JSON"));
}

#[tokio::test]
async fn browsers_may_read_every_answer() {
    for (method, path, status) in [
        ("OPTIONS", BAN, StatusCode::OK),
        ("OPTIONS", "/_matrix/client/v3/nothing", StatusCode::OK),
        ("POST", BAN, StatusCode::UNAUTHORIZED),
        ("GET", "/_matrix/client/v3/nothing", StatusCode::NOT_FOUND),
        ("DELETE", BAN, StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/_test/panic", StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let response = send(app(EdgeBounds::default()), request(method, path, None, "")).await;
        assert_eq!(response.status(), status, "{method} {path}");
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("access-control-allow-origin"), Some("*"), "{method} {path}");
        assert_eq!(header("access-control-allow-methods"), Some("GET, POST, PUT, DELETE, OPTIONS"));
        assert_eq!(
            header("access-control-allow-headers"),
            Some("X-Requested-With, Content-Type, Authorization")
        );
    }
}

#[tokio::test]
async fn a_panic_fails_one_request_and_shows_nothing() {
    insta::assert_snapshot!(answer("GET", "/_test/panic", None, "").await, @r#"500 {"errcode":"M_UNKNOWN","error":"Internal server error"}"#);
}

#[tokio::test]
async fn rates_push_back_by_user() {
    let rates = RateTable { user: Rate { per_minute: 60, burst: 2 }, ..RateTable::default() };
    let bounds = EdgeBounds { rates, ..EdgeBounds::default() };
    let limited = app(bounds.clone());
    let body = r#"{"reason":"spam"}"#;
    for _ in 0..2 {
        let response = send(limited.clone(), request("POST", REPORT, GOOD, body)).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    let refused = send(limited.clone(), request("POST", REPORT, GOOD, body)).await;
    insta::assert_snapshot!(shown(refused).await, @r#"429 retry-after=1 {"errcode":"M_LIMIT_EXCEEDED","error":"Too many requests","retry_after_ms":1000}"#);
    let bridge = send(limited, request("POST", REPORT, Some("bridge"), body)).await;
    assert_eq!(bridge.status(), StatusCode::OK, "application services are not limited");

    let free = app(EdgeBounds { rates_enabled: false, ..bounds });
    for _ in 0..10 {
        let response = send(free.clone(), request("POST", REPORT, GOOD, body)).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_full_server_sheds() {
    let bounds = EdgeBounds { requests_max: 0, ..EdgeBounds::default() };
    let response = send(app(bounds), request("GET", "/_matrix/client/versions", None, "")).await;
    insta::assert_snapshot!(shown(response).await, @r#"503 retry-after=2 {"errcode":"M_LIMIT_EXCEEDED","error":"The server is busy","retry_after_ms":2000}"#);
}

#[test]
fn user_interactive_authentication_has_no_errcode_at_first() {
    let info = || serde_json::from_str(r#"{"flows":[],"session":"s"}"#).expect("an object");
    let first = MatrixError::uia(info());
    assert_eq!(first.status(), StatusCode::UNAUTHORIZED);
    insta::assert_json_snapshot!(first.body(), @r##"
{
  "flows": [],
  "session": "s"
}
"##);
    let failed =
        MatrixError::uia_failed(info(), ruma::api::error::ErrorCode::Forbidden, "Wrong password");
    insta::assert_json_snapshot!(failed.body(), @r##"
{
  "errcode": "M_FORBIDDEN",
  "error": "Wrong password",
  "flows": [],
  "session": "s"
}
"##);
}
