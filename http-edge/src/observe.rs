//! One log line and three metrics a request.
//!
//! Owns what is said about a request: method, route template, status, time, the user's stream
//! number and a request id. Never a path with identifiers in it, a query, a token or a body.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::extract::{MatchedPath, Request};
use facts::StreamId;
use http::{Extensions, Method, StatusCode};
use metrics::{Counter, Gauge, Histogram};
use parking_lot::RwLock;
use tokio::time::Instant;
use tracing::Span;

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

/// The metrics of one route and method.
struct RouteMetrics {
    method: &'static str,
    route: Arc<str>,
    duration: Histogram,
    /// By class of status, made at its first answer.
    answers: [OnceLock<Counter>; CLASSES.len()],
}

/// What the last label of `http_requests_total` can be.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "aborted"];

fn class_of(status: Option<StatusCode>) -> usize {
    match status.map(|status| status.as_u16()) {
        Some(100..200) => 0,
        Some(200..300) => 1,
        Some(300..400) => 2,
        Some(400..500) => 3,
        Some(_) => 4,
        None => 5,
    }
}

impl RouteMetrics {
    fn new(method: &'static str, route: &str) -> Self {
        let labels = [("method", method.to_owned()), ("route", route.to_owned())];
        Self {
            method,
            route: route.into(),
            duration: metrics::histogram!("http_request_duration_seconds", &labels),
            answers: Default::default(),
        }
    }

    fn answered(&self, status: Option<StatusCode>, seconds: f64) {
        let class = class_of(status);
        self.answers[class]
            .get_or_init(|| {
                metrics::counter!(
                    "http_requests_total",
                    "method" => self.method,
                    "route" => self.route.to_string(),
                    "status" => CLASSES[class]
                )
            })
            .increment(1);
        self.duration.record(seconds);
    }
}

type ByRoute = HashMap<Box<str>, Arc<RouteMetrics>>;

/// The metrics of a listener's routes, looked up once each: their number is that of the routes
/// times that of the methods.
pub(crate) struct Observed {
    in_flight: Gauge,
    methods: RwLock<HashMap<&'static str, ByRoute>>,
}

impl Default for Observed {
    fn default() -> Self {
        Self { in_flight: metrics::gauge!("http_requests_in_flight"), methods: RwLock::default() }
    }
}

impl Observed {
    fn route(&self, method: &'static str, route: &str) -> Arc<RouteMetrics> {
        if let Some(known) = self.methods.read().get(method).and_then(|of| of.get(route)) {
            return Arc::clone(known);
        }
        let mut methods = self.methods.write();
        let of_method = methods.entry(method).or_default();
        let made = || Arc::new(RouteMetrics::new(method, route));
        Arc::clone(of_method.entry(route.into()).or_insert_with(made))
    }

    /// Begins to watch a request.
    pub(crate) fn begin(&self, request: &mut Request) -> InProgress {
        let note = RequestNote::default();
        request.extensions_mut().insert(note.clone());
        let template = request.extensions().get::<MatchedPath>();
        let route = template.map_or("unmatched", MatchedPath::as_str);
        self.in_flight.increment(1.0);
        InProgress {
            of_route: self.route(method_label(request.method()), route),
            in_flight: self.in_flight.clone(),
            started: Instant::now(),
            note,
            status: None,
        }
    }
}

/// The span of the next request.
pub(crate) fn request_span() -> Span {
    /// Numbers requests since the process started; enough to find a request's other lines.
    static REQUESTS: AtomicU64 = AtomicU64::new(1);
    let id = REQUESTS.fetch_add(1, Ordering::Relaxed);
    tracing::info_span!("request", id)
}

/// A request in progress. Reports when dropped, so a client that hung up is counted too.
pub(crate) struct InProgress {
    of_route: Arc<RouteMetrics>,
    in_flight: Gauge,
    started: Instant,
    note: RequestNote,
    status: Option<StatusCode>,
}

impl InProgress {
    /// Ends a request that has its answer, and reports it.
    pub(crate) fn finish(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        let elapsed = self.started.elapsed();
        self.in_flight.decrement(1.0);
        self.of_route.answered(self.status, elapsed.as_secs_f64());
        tracing::info!(
            target: "http_edge::request",
            method = self.of_route.method,
            route = &*self.of_route.route,
            status = self.status.map(|status| status.as_u16()),
            duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            user = self.note.0.get().map(|user| user.0),
            "{}", if self.status.is_some() { "answered" } else { "aborted by the client" }
        );
    }
}
