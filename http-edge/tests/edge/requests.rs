//! Tokens, paths, rates and answers.

use http::StatusCode;
use http_edge::{EdgeBounds, MatrixError, Rate, RateTable};

use crate::app::{BAN, GOOD, REPORT, answer, app, request, send, shown};

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
