//! One log line and three metrics a request.
//!
//! Owns what is said about a request: method, route template, status, time, the user's stream
//! number and a request id. Never a path with identifiers in it, a query, a token or a body.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use facts::StreamId;
use http::{Extensions, Method, StatusCode};
use tokio::time::Instant;
use tracing::Instrument;

/// What is learned about a request while it is worked on.
#[derive(Clone, Default)]
pub(crate) struct RequestNote(Arc<OnceLock<StreamId>>);

impl RequestNote {
    /// Notes the user of a request. The first one stays.
    pub(crate) fn user(extensions: &Extensions, user: StreamId) {
        if let Some(note) = extensions.get::<Self>() {
            let _ = note.0.set(user);
        }
    }
}

/// Methods as metric labels: anybody can invent others.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// A request in progress. Reports when dropped, so a client that hung up is counted too.
struct InProgress {
    method: &'static str,
    route: Arc<str>,
    started: Instant,
    note: RequestNote,
    status: Option<StatusCode>,
}

impl InProgress {
    /// Ends a request that has its answer, and reports it.
    fn finish(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let class = self.status.map_or("aborted", status_class);
        let route = self.route.to_string();
        let elapsed = self.started.elapsed();
        metrics::gauge!("http_requests_in_flight").decrement(1.0);
        metrics::counter!(
            "http_requests_total",
            "method" => self.method, "route" => route.clone(), "status" => class
        )
        .increment(1);
        metrics::histogram!(
            "http_request_duration_seconds", "method" => self.method, "route" => route
        )
        .record(elapsed.as_secs_f64());
        tracing::info!(
            target: "http_edge::request",
            method = self.method,
            route = &*self.route,
            status = self.status.map(|status| status.as_u16()),
            duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            user = self.note.0.get().map(|user| user.0),
            "{}", if self.status.is_some() { "answered" } else { "aborted by the client" }
        );
    }
}

pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    /// Numbers requests since the process started; enough to find a request's other lines.
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    let id = REQUESTS.fetch_add(1, Ordering::Relaxed);
    let span = tracing::info_span!("request", id);
    let note = RequestNote::default();
    request.extensions_mut().insert(note.clone());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    metrics::gauge!("http_requests_in_flight").increment(1.0);
    let progress = InProgress {
        method: method_label(request.method()),
        route: route.into(),
        started: Instant::now(),
        note,
        status: None,
    };
    async move {
        let response = next.run(request).await;
        progress.finish(response.status());
        response
    }
    .instrument(span)
    .await
}
