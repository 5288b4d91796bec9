//! `GET /health`: for load balancers and service managers.

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::json;

/// The route `/health`. `ready` must be cheap: it runs for every question.
///
/// `offsite` says whether what must be shipped off-site is taken there, where anything is. A store
/// that fails is told and is no reason to send clients elsewhere.
pub(crate) fn health_route(
    ready: impl Fn() -> bool + Clone + Send + Sync + 'static,
    offsite: impl Fn() -> Option<bool> + Clone + Send + Sync + 'static,
) -> Router {
    Router::new().route(
        "/health",
        get(move || {
            let (ready, offsite) = (ready(), offsite());
            async move {
                let (status, word) = if ready {
                    (StatusCode::OK, "ok")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
                };
                let mut body = json!({ "status": word });
                if let Some(taken) = offsite {
                    body["offsite"] = json!(if taken { "ok" } else { "failing" });
                }
                (status, Json(body)).into_response()
            }
        }),
    )
}
