//! Answers where no handler answers.
//!
//! Owns the errors for unknown endpoints, wrong methods and panics (client-server API, "Standard
//! error response": `M_UNRECOGNIZED`).

use axum::response::{IntoResponse, Response};

use crate::MatrixError;

pub(crate) async fn unknown_route() -> MatrixError {
    MatrixError::unrecognized("Unknown endpoint")
}

pub(crate) async fn wrong_method() -> MatrixError {
    MatrixError::wrong_method()
}

/// A broken invariant fails one request. What broke is reported by the process's panic hook; the
/// payload may quote content and goes nowhere.
pub(crate) fn panicked() -> Response {
    MatrixError::internal().into_response()
}
