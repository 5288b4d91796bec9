//! ruma's response types as answers.
//!
//! Owns the conversion of a typed response into HTTP.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use ruma::api::{OutgoingResponse, OutgoingResponseExt};

use crate::MatrixError;

/// A typed Matrix response.
#[derive(Clone, Debug)]
pub struct MatrixResponse<T>(pub T);

impl<T: OutgoingResponse> IntoResponse for MatrixResponse<T> {
    fn into_response(self) -> Response {
        match self.0.try_into_http_response::<Vec<u8>>() {
            Ok(response) => response.map(Body::from),
            Err(error) => {
                // Only a value that fits no header gets here; the text names no content.
                tracing::error!(%error, "a response could not be serialized");
                MatrixError::internal().into_response()
            }
        }
    }
}

impl<T> From<T> for MatrixResponse<T> {
    fn from(response: T) -> Self {
        Self(response)
    }
}
