//! Somebody between a server and its object store, who passes requests on, or is what an object
//! store can be at its worst.

use std::sync::Arc;

use anyhow::Result;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt as _;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use parking_lot::Mutex;

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Passes everything on.
    None,
    /// Takes requests and never answers.
    Silent,
    /// Fails every time.
    Failing,
    /// Says no.
    Refusing,
    /// Says yes to a put and stores nothing.
    Swallowing,
    /// Gives out other bytes than it was given.
    Altering,
    /// Says that an object is not as long as it is.
    Losing,
    /// Says that it locked, and did not.
    NotLocking,
    /// Takes orders and checkpoints, and neither segments nor media nor manifests.
    NoLog,
    /// Takes a large object slowly.
    Slow,
}

/// What [`Fault::Slow`] takes.
pub(crate) const SLOW: std::time::Duration = std::time::Duration::from_secs(7);
/// And of what is larger than this.
const LARGE_BYTES: u64 = 1024 * 1024;

/// Stands before a store.
pub(crate) struct S3Proxy {
    pub(crate) endpoint: String,
    fault: Arc<Mutex<Fault>>,
    pub(crate) asked: Arc<std::sync::atomic::AtomicUsize>,
}

type Store = Client<HttpConnector, Body>;

impl S3Proxy {
    /// Begins to listen; passes everything on.
    pub(crate) fn start(store: &str) -> Result<Self> {
        let fault = Arc::new(Mutex::new(Fault::None));
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let client: Store = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let (now, count, store) = (Arc::clone(&fault), Arc::clone(&asked), store.to_owned());
        let app = Router::new().fallback(move |request: Request| {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let (fault, client, store) = (*now.lock(), client.clone(), store.clone());
            async move { answer(fault, &client, &store, request).await }
        });
        let socket = tokio::net::TcpSocket::new_v4()?;
        // What is taken slowly is also sent so, and does not wait here.
        socket.set_recv_buffer_size(64 * 1024)?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(1_024)?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { endpoint, fault, asked })
    }

    /// From now on it does this.
    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock() = fault;
    }
}

async fn answer(fault: Fault, client: &Store, store: &str, request: Request) -> Response {
    let put = request.method() == Method::PUT && request.uri().query().is_none_or(is_plain);
    let path = request.uri().path().to_owned();
    let of_log = ["/log/", "/media/", "/manifest.jsonl"].iter().any(|part| path.contains(part));
    let get = request.method() == Method::GET && request.uri().query().is_none_or(is_plain);
    let head = request.method() == Method::HEAD;
    match fault {
        Fault::Silent => std::future::pending().await,
        Fault::Failing => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Refusing => {
            (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>").into_response()
        }
        Fault::NoLog if put && of_log => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Slow if length(&request) > LARGE_BYTES => match taken_slowly(request).await {
            Ok(request) => pass(client, store, request).await,
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        },
        Fault::Swallowing if put => {
            let _ = to_bytes(request.into_body(), usize::MAX).await;
            StatusCode::OK.into_response()
        }
        Fault::NotLocking
            if request.uri().query().is_some_and(|query| query.contains("retention")) =>
        {
            (StatusCode::NOT_FOUND, "<Error><Code>NoSuchObjectLockConfiguration</Code></Error>")
                .into_response()
        }
        _ => {
            let mut answer = pass(client, store, request).await;
            if fault == Fault::Altering && get && answer.status().is_success() {
                answer = altered(answer).await;
            }
            let headers = answer.headers_mut();
            if fault == Fault::NotLocking && head {
                headers.remove("x-amz-object-lock-mode");
            }
            if fault == Fault::Losing && head {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("1"));
            }
            answer
        }
    }
}

/// Bytes of a put.
fn length(request: &Request) -> u64 {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    length.filter(|_| request.method() == Method::PUT).unwrap_or(0)
}

/// Takes a request's body in even steps, in [`SLOW`] altogether.
async fn taken_slowly(request: Request) -> Result<Request> {
    let (whole, mut taken) = (length(&request), Vec::new());
    let (parts, body) = request.into_parts();
    let (mut pieces, begun) = (body.into_data_stream(), tokio::time::Instant::now());
    while let Some(piece) = pieces.try_next().await? {
        taken.extend_from_slice(&piece);
        let percent = u32::try_from(taken.len() as u64 * 100 / whole.max(1))?;
        tokio::time::sleep_until(begun + SLOW * percent / 100).await;
    }
    Ok(Request::from_parts(parts, Body::from(taken)))
}

/// A put or get of an object itself, perhaps of one version, and of nothing about it.
fn is_plain(query: &str) -> bool {
    query.split('&').all(|part| part.starts_with("x-id=") || part.starts_with("versionId="))
}

async fn pass(client: &Store, store: &str, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{store}{path}").parse::<Uri>() else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    // The signature covers the address that was asked, which stays in the headers.
    parts.uri = uri;
    match client.request(Request::from_parts(parts, body)).await {
        Ok(answer) => answer.map(Body::new),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

async fn altered(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let mut bytes = to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
    if let Some(first) = bytes.first_mut() {
        *first ^= 1;
    }
    // What the store says of the bytes would find it out before we do.
    let sums: Vec<_> =
        parts.headers.keys().filter(|name| name.as_str().contains("checksum")).cloned().collect();
    for name in sums {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, Body::from(bytes))
}
