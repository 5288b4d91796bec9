//! One connection: HTTP/1.1 or HTTP/2 in clear, whichever the client speaks.

use std::{
    net::IpAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, body::Body, extract::Request, response::Response};
use http_edge::PeerAddress;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::Watcher},
};
use tokio::net::TcpStream;
use tower::ServiceExt as _;
use tower_http::timeout::TimeoutBody;

use super::{HEADER_BYTES_MAX, HEADER_FIELDS_MAX, STREAMS_MAX, ServerBounds};

/// Serves requests until the client closes, breaks a bound, or the server drains.
pub(super) async fn serve_connection(
    stream: TcpStream,
    peer: IpAddr,
    routes: Router,
    bounds: &ServerBounds,
    watcher: Watcher,
) {
    // Without it small answers wait for the acknowledgement of the one before. A socket that
    // refuses is closed already.
    let _ = stream.set_nodelay(true);
    let spoken = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&spoken);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        heard.store(true, Ordering::Relaxed);
        let request = dressed(request, peer, bounds);
        let routes = routes.clone();
        async move { answer(routes, request).await }
    });
    let builder = builder(bounds);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(watcher.watch(connection.into_owned()));
    // The header timeout starts once it is known which HTTP the client speaks; this one covers
    // a client that never says so.
    let silence = tokio::time::sleep(bounds.header_timeout);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = silence => {
            if !spoken.load(Ordering::Relaxed) {
                return;
            }
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn builder(bounds: &ServerBounds) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_timeout)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADER_FIELDS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(bounds.header_timeout)
        .keep_alive_timeout(bounds.header_timeout)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX));
    builder
}

/// The request as the routes get it: with the client's address, and a body that must keep coming.
fn dressed(request: hyper::Request<Incoming>, peer: IpAddr, bounds: &ServerBounds) -> Request {
    let address = PeerAddress::of(peer, request.headers(), &bounds.trusted_proxies);
    let mut request = request.map(|body| Body::new(TimeoutBody::new(bounds.body_idle, body)));
    request.extensions_mut().insert(address);
    request
}

async fn answer(routes: Router, request: Request) -> Result<Response, std::convert::Infallible> {
    routes.oneshot(request).await
}
