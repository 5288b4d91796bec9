//! Bodies: what is read of them, and what is said of bad ones.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{
    BodyExt as _, Full,
    channel::{Channel, Sender},
};
use http_edge::EdgeBounds;

use crate::app::{BAN, GOOD, answer, app, request, send, shown};

const UPLOAD: &str = "/_matrix/media/v3/upload";

fn channel() -> (Sender<Bytes, Infallible>, Body) {
    let (sender, body) = Channel::new(1);
    (sender, Body::new(body))
}

/// A body that notes whether anybody read it.
fn watched(bytes: &'static str) -> (Arc<AtomicBool>, Body) {
    let read = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&read);
    let body = Full::new(Bytes::from_static(bytes.as_bytes())).map_frame(move |frame| {
        note.store(true, Ordering::Relaxed);
        frame
    });
    (read, Body::new(body))
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
    let (_sender, never) = channel();
    insta::assert_snapshot!(answer("POST", BAN, GOOD, never).await, @r#"408 {"errcode":"M_UNKNOWN","error":"The request body did not arrive in time"}"#);
}

#[tokio::test]
async fn uploads_are_raw_and_bounded() {
    assert_eq!(answer("POST", UPLOAD, GOOD, vec![0xff; 3000]).await, "200 3000");
    let bounds = EdgeBounds { upload_max: 10, ..EdgeBounds::default() };
    let sent = request("POST", UPLOAD, GOOD, vec![0xff; 11]);
    insta::assert_snapshot!(shown(send(app(bounds.clone()), sent).await).await, @r#"413 {"errcode":"M_TOO_LARGE","error":"The request body is larger than 10 bytes"}"#);
    let mut declared = request("POST", UPLOAD, GOOD, vec![0xff; 11]);
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
async fn whoever_may_not_ask_has_no_body_read() {
    for (path, body) in
        [(BAN, r#"{"user_id":"@bob:example.org"}"#), (UPLOAD, "bytes"), ("/_test/object", "{}")]
    {
        for token in [None, Some("bad")] {
            let (read, body) = watched(body);
            let refused = answer("POST", path, token, body).await;
            assert!(refused.starts_with("401"), "{path}: {refused}");
            assert!(!read.load(Ordering::Relaxed), "{path}: the body was read");
        }
        let (read, body) = watched(body);
        let taken = answer("POST", path, GOOD, body).await;
        assert!(taken.starts_with("200"), "{path}: {taken}");
        assert!(read.load(Ordering::Relaxed), "{path}: the body was not read");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stops_is_given_up() {
    let (mut sender, body) = channel();
    sender.send_data(Bytes::from_static(b"the beginning")).await.expect("room for one");
    insta::assert_snapshot!(answer("POST", UPLOAD, GOOD, body).await, @r#"408 {"errcode":"M_UNKNOWN","error":"The request body did not arrive in time"}"#);
}

/// Uploads piece by piece, with a pause before each.
async fn uploaded(pieces: usize, piece: Bytes, pause: Duration) -> String {
    let (mut sender, body) = channel();
    let uploader = tokio::spawn(async move {
        for _ in 0..pieces {
            tokio::time::sleep(pause).await;
            // The server hangs up on whoever is too slow.
            if sender.send_data(piece.clone()).await.is_err() {
                return;
            }
        }
    });
    let answer = answer("POST", UPLOAD, GOOD, body).await;
    uploader.await.expect("the uploader ends");
    answer
}

#[tokio::test(start_paused = true)]
async fn i10_an_upload_keeps_a_pace() {
    let second = Duration::from_secs(1);
    // Never silent for long, and yet it would take forever.
    let dripping = uploaded(100_000, Bytes::from_static(b"x"), second).await;
    assert!(dripping.starts_with("408"), "{dripping}");
    // Longer than any JSON body may take, at a pace of 5,000 bytes a second.
    let piece = Bytes::from(vec![7; 50_000]);
    assert_eq!(uploaded(100, piece, second * 10).await, "200 5000000");
}
