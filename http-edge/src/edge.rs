//! What every request of a listener shares, and the layers around its routes.
//!
//! Owns the bounds (I10), the lookup of sessions, the limiter, and the order of what is around a route:
//! the request's log line and metrics outside, then cross-origin headers, then the net under
//! panics, then admission. Never a rule about a particular endpoint.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use facts::Timestamp;
use futures_util::FutureExt as _;
use http::{Extensions, Method};
use tracing::Instrument as _;

use crate::{
    Admission, Clock, MatrixError, PeerAddress, RateClass, RateKey, RateLimiter, RateTable,
    Session, SessionKind, Sessions, cors, fallback,
    observe::{self, Observed},
};

/// The bounds of an edge. Those on size, time and number always hold; `rates_enabled` turns off
/// rates alone.
#[derive(Clone, Debug)]
pub struct EdgeBounds {
    /// Longest JSON body, in bytes.
    pub json_body_max: usize,
    /// Longest upload, in bytes.
    pub upload_max: usize,
    /// Time in which a JSON body must arrive whole.
    pub body_deadline: Duration,
    /// Requests in progress, long-polls apart.
    pub requests_max: usize,
    /// Long-polls in progress.
    pub long_polls_max: usize,
    /// False turns the limits by rate off.
    pub rates_enabled: bool,
    /// The rates.
    pub rates: RateTable,
    /// Keys that the limiter holds.
    pub rate_keys_max: usize,
}

impl Default for EdgeBounds {
    fn default() -> Self {
        Self {
            json_body_max: 1024 * 1024,
            upload_max: 100 * 1024 * 1024,
            body_deadline: Duration::from_secs(30),
            requests_max: 1024,
            long_polls_max: 20_000,
            rates_enabled: true,
            rates: RateTable::default(),
            rate_keys_max: 100_000,
        }
    }
}

struct Shared {
    sessions: Arc<dyn Sessions>,
    clock: Arc<dyn Clock>,
    bounds: EdgeBounds,
    limiter: RateLimiter,
    admission: Admission,
    observed: Observed,
}

/// What every request shares; cheap to clone. The extractors find it in a request's extensions.
#[derive(Clone)]
pub struct Edge(Arc<Shared>);

impl Edge {
    /// An edge over a lookup of sessions and a clock.
    pub fn new(sessions: Arc<dyn Sessions>, clock: Arc<dyn Clock>, bounds: EdgeBounds) -> Self {
        let limiter = RateLimiter::new(bounds.rates, bounds.rates_enabled, bounds.rate_keys_max);
        let admission = Admission::new(bounds.requests_max, bounds.long_polls_max);
        let observed = Observed::default();
        Self(Arc::new(Shared { sessions, clock, bounds, limiter, admission, observed }))
    }

    /// The edge of a request.
    pub fn of(extensions: &Extensions) -> Result<&Self, MatrixError> {
        extensions.get().ok_or_else(|| {
            tracing::error!("a route is served outside of http_edge::dress");
            MatrixError::internal()
        })
    }

    /// The bounds.
    pub fn bounds(&self) -> &EdgeBounds {
        &self.0.bounds
    }

    /// The lookup of sessions.
    pub fn sessions(&self) -> &dyn Sessions {
        &*self.0.sessions
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Takes a token of a rate, for endpoints with a rate of their own (login, registration).
    pub fn take(&self, class: RateClass, key: RateKey) -> Result<(), MatrixError> {
        self.0.limiter.take(class, key, self.now()).map_err(MatrixError::limit_exceeded)
    }

    /// Takes a token of the ordinary rate: of the user, or of the address where there is none.
    ///
    /// Application services are not limited: they act for many (application service API,
    /// "Registration", `rate_limited` limits only what their users' own clients do).
    pub(crate) fn check_rate(
        &self,
        extensions: &Extensions,
        session: Option<&Session>,
    ) -> Result<(), MatrixError> {
        match session {
            Some(session) if session.kind == SessionKind::Appservice => Ok(()),
            Some(session) => self.take(RateClass::User, RateKey::User(session.user_stream)),
            None => extensions.get::<PeerAddress>().map_or(Ok(()), |address| {
                self.take(RateClass::Anonymous, RateKey::Address(address.network()))
            }),
        }
    }
}

/// Puts fallbacks and the layer that all share around the routes of a listener. Call it once,
/// last.
pub fn dress(routes: Router, edge: Edge) -> Router {
    routes
        .fallback(fallback::unknown_route)
        .method_not_allowed_fallback(fallback::wrong_method)
        .layer(axum::middleware::from_fn_with_state(edge, around))
}

/// One layer for everything: each layer of its own would cost every request a box and a copy of
/// the services inside.
async fn around(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let progress = edge.0.observed.begin(&mut request);
    let working = async move {
        let mut response = if request.method() == Method::OPTIONS {
            Response::default()
        } else {
            admitted(edge, request, next).await
        };
        cors::allow(response.headers_mut());
        progress.finish(response.status());
        response
    };
    working.instrument(observe::request_span()).await
}

async fn admitted(edge: Edge, mut request: Request, next: Next) -> Response {
    let _permit = match edge.0.admission.permit(&request) {
        Ok(permit) => permit,
        Err(full) => return full.into_response(),
    };
    request.extensions_mut().insert(edge);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answer.unwrap_or_else(|_payload| fallback::panicked())
}
