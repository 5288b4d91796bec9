//! Whatever is sent, the answer is a Matrix error of the right kind, never a 5xx, a hang or a death.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use harness::{
    http_client::{Answer, RawBody, encode},
    matrix_client::MatrixClient,
    register,
    server::Server,
    two_in_a_room,
};
use http::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A slow body must be given up by then; the server's own bound is shorter.
const PATIENCE: Duration = Duration::from_mins(2);

async fn send(client: &MatrixClient, method: Method, path: &str, bytes: &[u8]) -> Result<Answer> {
    let body = RawBody {
        content_type: "application/json".to_owned(),
        bytes: Bytes::copy_from_slice(bytes),
    };
    client.http.raw(method, path, Some(&client.access_token), Some(body)).await
}

/// A refusal in the shape that every Matrix error has.
fn is_refusal(answer: &Answer) -> Result<()> {
    ensure!(answer.status.is_client_error(), "{answer}");
    let body = answer.json()?;
    ensure!(body["errcode"].is_string() && body["error"].is_string(), "{answer}");
    Ok(())
}

async fn still_serves(client: &MatrixClient) -> Result<()> {
    client.get("/v3/account/whoami").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_the_json_asked_for_are_refused() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let room = alice.create_room(&json!({})).await?;
    let room = encode(&room);
    let send_path = format!("/_matrix/client/v3/rooms/{room}/send/m.room.message/t");
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let nested = format!("{{\"a\":{deep}}}");
    let cases: [(&[u8], &str); 9] = [
        (b"{", "M_NOT_JSON"),
        (b"", "M_NOT_JSON"),
        (b"{\"body\":\"\xff\xfe\"}", "M_NOT_JSON"),
        (b"{\"body\":\"\\ud800\"}", "M_NOT_JSON"),
        (b"{\"a\":1}{\"b\":2}", "M_NOT_JSON"),
        (b"[]", "M_BAD_JSON"),
        (b"\"text\"", "M_BAD_JSON"),
        (b"{\"n\":1.5}", "M_BAD_JSON"),
        (nested.as_bytes(), ""),
    ];
    for (number, (bytes, errcode)) in cases.iter().enumerate() {
        let answer = send(&alice, Method::PUT, &format!("{send_path}{number}"), bytes).await?;
        is_refusal(&answer).with_context(|| format!("case {number}"))?;
        let given = answer.errcode();
        let fits = errcode.is_empty() || given.as_deref() == Some(errcode);
        ensure!(fits, "case {number}: expected {errcode}, got {answer}");
    }
    let posts = [
        ("createRoom", json!({ "name": 7 })),
        ("createRoom", json!({ "invite": "@a:b" })),
        ("login", json!({ "type": 1 })),
        ("register", json!({ "username": ["a"] })),
        ("keys/query", json!({ "device_keys": 5 })),
        ("keys/claim", json!({ "one_time_keys": [] })),
        ("search", json!({ "search_categories": "all" })),
    ];
    for (path, body) in &posts {
        let path = format!("/_matrix/client/v3/{path}");
        is_refusal(&alice.call(Method::POST, &path, Some(body)).await?)?;
    }
    still_serves(&alice).await?;
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_and_what_just_fits_is_not() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let room = alice.create_room(&json!({})).await?;
    let message = |length: usize| json!({ "msgtype": "m.text", "body": "x".repeat(length) });
    alice.send_under(&room, "m.room.message", "fits", &message(60_000)).await?.ok()?;
    let over = alice.send_under(&room, "m.room.message", "over", &message(65_536)).await?;
    over.refused(413, "M_TOO_LARGE")?;
    let huge = alice.send_under(&room, "m.room.message", "huge", &message(30_000_000)).await;
    // The server may close the connection before all of it is sent.
    if let Ok(huge) = huge {
        huge.refused(413, "M_TOO_LARGE")?;
    }
    let long = "k".repeat(256);
    let path = format!("/_matrix/client/v3/rooms/{}/state/org.x/{long}", encode(&room));
    is_refusal(&alice.call(Method::PUT, &path, Some(&json!({}))).await?)?;
    let path = format!("/_matrix/client/v3/rooms/{}/send/{long}/t", encode(&room));
    is_refusal(&alice.call(Method::PUT, &path, Some(&json!({}))).await?)?;
    still_serves(&alice).await?;
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_asked_for_and_known() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let path = "/_matrix/client/v3/account/whoami";
    let none = alice.http.json(Method::GET, path, None, None).await?;
    none.refused(401, "M_MISSING_TOKEN")?;
    let long = "x".repeat(4_000);
    for token in ["", "unknown", "syt_x", long.as_str(), &alice.access_token[1..]] {
        let answer = alice.http.json(Method::GET, path, Some(token), None).await?;
        let code = answer.errcode();
        let fits = ["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"].map(|code| Some(code.to_owned()));
        ensure!(answer.status.as_u16() == 401 && fits.contains(&code), "{answer}");
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_ones_is_as_if_it_were_not_there() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, bob, room) = two_in_a_room(&server, &json!({})).await?;
    let mallory = register(&server, "mallory").await?;
    let event = alice.send_text(&room, "private").await?;
    let (room, event) = (encode(&room), encode(&event));
    let unknown = encode("!nothing:localhost");
    let paths = [
        format!("/v3/rooms/{{}}/event/{event}"),
        format!("/v3/rooms/{{}}/context/{event}"),
        "/v3/rooms/{}/messages?dir=b".to_owned(),
        "/v3/rooms/{}/state".to_owned(),
        "/v3/rooms/{}/members".to_owned(),
        "/v3/rooms/{}/joined_members".to_owned(),
    ];
    for path in paths {
        let get = async |room: &str| {
            let path = format!("/_matrix/client{}", path.replace("{}", room));
            mallory.call(Method::GET, &path, None).await
        };
        let (foreign, nothing) = (get(&room).await?, get(&unknown).await?);
        is_refusal(&foreign)?;
        ensure!(foreign.status == nothing.status, "{foreign} gives away more than {nothing}");
        let codes = (foreign.errcode(), nothing.errcode());
        ensure!(codes.0 == codes.1, "{foreign} gives away more than {nothing}");
        ensure!(!foreign.to_string().contains("private"), "{foreign}");
    }
    let (user, device) = (encode(&bob.user_id), encode(&bob.device_id));
    for path in [
        format!("/_matrix/client/v3/user/{user}/account_data/m.note"),
        format!("/_matrix/client/v3/user/{user}/rooms/{room}/tags"),
        format!("/_matrix/client/v3/user/{user}/filter/0"),
    ] {
        is_refusal(&mallory.call(Method::GET, &path, None).await?)?;
    }
    let path = format!("/_matrix/client/v3/devices/{device}");
    mallory.call(Method::GET, &path, None).await?.refused(404, "M_NOT_FOUND")?;
    for bad in ["nonsense", "!", "%F0%9F%92%A9", "@alice:localhost", "..%2F..%2Fetc"] {
        let path = format!("/_matrix/client/v3/rooms/{bad}/state");
        is_refusal(&mallory.call(Method::GET, &path, None).await?)?;
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_sync_and_page_tokens_are_refused_or_start_over() -> Result<()> {
    let server = Server::start().await?;
    let (mut alice, _, room) = two_in_a_room(&server, &json!({})).await?;
    alice.send_text(&room, "seen").await?;
    let mut real = alice.clone();
    real.sync(0).await?;
    let real = real.since.context("a token")?;
    let forged = [
        String::new(),
        "0".to_owned(),
        "s18446744073709551615_9".to_owned(),
        "-1".to_owned(),
        format!("{real}0"),
        format!("{real}{real}"),
        real.replace(|letter: char| letter.is_ascii_digit(), "9"),
        "é".repeat(500),
    ];
    for token in &forged {
        let token = encode(token);
        let path = format!("/_matrix/client/v3/sync?timeout=0&since={token}");
        let answer = alice.call(Method::GET, &path, None).await?;
        if answer.status.is_success() {
            // A token that is not of this log syncs from scratch; one that parses as a moment of
            // it goes on from there. Both end at the present.
            ensure!(answer.json()?["next_batch"].is_string(), "{answer}");
        } else {
            is_refusal(&answer)?;
        }
        for direction in ["b", "f", "sideways"] {
            let room = encode(&room);
            let path = format!(
                "/_matrix/client/v3/rooms/{room}/messages?dir={direction}&from={token}&limit=5"
            );
            let answer = alice.call(Method::GET, &path, None).await?;
            if answer.status.is_success() && direction != "sideways" {
                answer.json()?;
            } else {
                is_refusal(&answer)?;
            }
        }
    }
    for query in ["limit=-1", "limit=x", "dir=b&limit=18446744073709551616"] {
        let path = format!("/_matrix/client/v3/rooms/{}/messages?{query}", encode(&room));
        is_refusal(&alice.call(Method::GET, &path, None).await?)?;
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_and_methods_are_unrecognized() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    for path in ["/_matrix/client/v3/nothing", "/_matrix/client/v9/sync", "/_matrix/", "/_matrix"] {
        let answer = alice.call(Method::GET, path, None).await?;
        answer.refused(404, "M_UNRECOGNIZED")?;
    }
    for (method, path) in [
        (Method::DELETE, "/_matrix/client/v3/sync"),
        (Method::PATCH, "/_matrix/client/v3/createRoom"),
        (Method::PUT, "/_matrix/client/versions"),
    ] {
        alice.call(method, path, None).await?.refused(405, "M_UNRECOGNIZED")?;
    }
    let elsewhere = alice.call(Method::GET, "/", None).await?;
    ensure!(!elsewhere.status.is_server_error(), "{elsewhere}");
    server.finish().await
}

/// Reads what the server says, or that it hung up, within [`PATIENCE`].
async fn last_words(stream: &mut TcpStream) -> Result<String> {
    let mut said = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    // A reset is a way of hanging up.
    let _ = read.context("the server waits for ever")?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_or_broken_request_is_given_up_and_holds_up_nobody() -> Result<()> {
    let server = Server::start().await?;
    let alice = register(&server, "alice").await?;
    let token = &alice.access_token;
    let heads = [
        format!(
            "POST /_matrix/client/v3/createRoom HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: 100\r\n\r\n{{\"name\":"
        ),
        "POST /_matrix/client/v3/login HTTP/1.1\r\nHost: loc".to_owned(),
    ];
    let mut slow = Vec::new();
    for head in &heads {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await?;
        stream.write_all(head.as_bytes()).await?;
        slow.push(stream);
    }
    still_serves(&alice).await?;
    let garbage: [&[u8]; 4] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n\r\nno http at all\r\n\r\n",
    ];
    for bytes in garbage {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await?;
        stream.write_all(bytes).await?;
        stream.shutdown().await?;
        let said = last_words(&mut stream).await?;
        ensure!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    }
    for stream in &mut slow {
        let said = last_words(stream).await?;
        ensure!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    }
    let rooms: Value = alice.get("/v3/joined_rooms").await?;
    ensure!(rooms["joined_rooms"] == json!([]), "half a request made a room: {rooms}");
    server.finish().await
}
