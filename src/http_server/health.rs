//! `GET /health`: for load balancers and service managers.

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::json;

/// The route `/health`. `ready` must be cheap: it runs for every question.
pub(crate) fn health_route(ready: impl Fn() -> bool + Clone + Send + Sync + 'static) -> Router {
    Router::new().route(
        "/health",
        get(move || {
            let ready = ready();
            async move {
                if ready {
                    (StatusCode::OK, Json(json!({"status": "ok"}))).into_response()
                } else {
                    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
                    (unavailable, Json(json!({"status": "unavailable"}))).into_response()
                }
            }
        }),
    )
}
