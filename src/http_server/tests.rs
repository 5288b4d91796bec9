//! The server loop over real sockets on free ports.

use std::time::Duration;

use axum::{
    Router,
    extract::Extension,
    routing::{get, post},
};
use http_edge::PeerAddress;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::{Listener, ServerBounds, health_route, serve};
use crate::shutdown::{Stopper, stopping};

fn bounds() -> ServerBounds {
    ServerBounds {
        connections_max: 10,
        header_timeout: Duration::from_secs(20),
        body_idle: Duration::from_secs(20),
        drain: Duration::from_secs(20),
        trusted_proxies: Vec::new(),
    }
}

struct Running {
    address: std::net::SocketAddr,
    stopper: Stopper,
    ended: tokio::task::JoinHandle<()>,
}

async fn start(routes: Router, bounds: ServerBounds) -> Running {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = socket.local_addr().expect("an address");
    let (stopper, waiter) = stopping();
    let listener = Listener { name: "test", socket, routes };
    let ended = tokio::spawn(serve(vec![listener], bounds, waiter));
    Running { address, stopper, ended }
}

async fn exchange(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn health_says_whether_the_server_is_ready() {
    for (ready, status) in [(true, "200 OK"), (false, "503 Service Unavailable")] {
        let running = start(health_route(move || ready, || None), bounds()).await;
        let request = "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let answer = exchange(running.address, request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        running.stopper.stop();
        running.ended.await.expect("it ends");
    }
}

#[tokio::test]
async fn routes_learn_the_clients_address() {
    let routes = Router::new().route(
        "/",
        get(|Extension(address): Extension<PeerAddress>| async move { address.0.to_string() }),
    );
    let mut bounds = bounds();
    bounds.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
    let running = start(routes, bounds).await;
    let request =
        "GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.9\r\nconnection: close\r\n\r\n";
    let answer = exchange(running.address, request).await;
    assert!(answer.ends_with("192.0.2.9"), "{answer}");
}

#[tokio::test]
async fn a_stop_lets_requests_in_progress_end() {
    let (began, begins) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let channels = std::sync::Arc::new(std::sync::Mutex::new(Some((began, released))));
    let routes = Router::new().route(
        "/",
        get(move || async move {
            let (began, released) = channels.lock().expect("a lock").take().expect("one request");
            began.send(()).expect("the test waits");
            released.await.expect("the test releases");
            "done"
        }),
    );
    let running = start(routes, bounds()).await;
    let request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let exchange = tokio::spawn(exchange(running.address, request));
    begins.await.expect("the request arrived");
    running.stopper.stop();
    release.send(()).expect("the handler waits");
    let answer = exchange.await.expect("no panic");
    assert!(answer.ends_with("done"), "{answer}");
    running.ended.await.expect("it ends");
    assert!(TcpStream::connect(running.address).await.is_err(), "the socket is closed");
}

#[tokio::test]
async fn draining_has_an_end() {
    let (began, begins) = oneshot::channel();
    let began = std::sync::Arc::new(std::sync::Mutex::new(Some(began)));
    let routes = Router::new().route(
        "/",
        get(move || async move {
            let began = began.lock().expect("a lock").take().expect("one request");
            began.send(()).expect("the test waits");
            std::future::pending::<()>().await;
        }),
    );
    let running =
        start(routes, ServerBounds { drain: Duration::from_millis(10), ..bounds() }).await;
    let request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let exchange = tokio::spawn(exchange(running.address, request));
    begins.await.expect("the request arrived");
    running.stopper.stop();
    running.ended.await.expect("it ends");
    assert_eq!(exchange.await.expect("no panic"), "", "cut off without an answer");
}

#[tokio::test]
async fn silent_clients_are_closed() {
    let brief = ServerBounds { header_timeout: Duration::from_millis(20), ..bounds() };
    let running = start(Router::new(), brief).await;
    // Nothing, half of HTTP/2's preface, and half of a header.
    for start in ["", "PRI * HT", "GET / HTTP/1.1\r\nho"] {
        let answer = exchange(running.address, start).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{start}: {answer}");
    }
}

#[tokio::test]
async fn silent_bodies_are_given_up() {
    let routes = Router::new().route(
        "/",
        post(|body: axum::body::Body| async move {
            match axum::body::to_bytes(body, 100).await {
                Ok(_) => "whole",
                Err(_) => "given up",
            }
        }),
    );
    let brief = ServerBounds { body_idle: Duration::from_millis(20), ..bounds() };
    let running = start(routes, brief).await;
    let request =
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nconnection: close\r\n\r\nabc";
    let answer = exchange(running.address, request).await;
    assert!(answer.ends_with("given up"), "{answer}");
}

#[tokio::test]
async fn long_headers_are_refused() {
    let running = start(Router::new(), bounds()).await;
    let request = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(70_000));
    let mut stream = TcpStream::connect(running.address).await.expect("a connection");
    // The server may close before everything is sent.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(!answer.contains("404"), "the request reached the routes");
}
