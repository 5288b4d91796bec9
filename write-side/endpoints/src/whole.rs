//! Requests whose type would lose fields.
//!
//! Owns keeping the whole JSON body beside ruma's type: the type checks the shape, the body is
//! what gets stored.

use axum::extract::{FromRequest, Request};
use http_edge::{Collected, HasEndpoint, IdentityOf, MatrixError, Servable};
use serde_json::{Map, Value};

/// Extracts a request of ruma's type `R` and its whole body.
pub(crate) struct Whole<R: Servable> {
    pub(crate) request: R,
    pub(crate) identity: IdentityOf<R>,
    pub(crate) body: Map<String, Value>,
}

impl<R: Servable> HasEndpoint for Whole<R> {
    type Request = R;
}

impl<S: Send + Sync, R: Servable> FromRequest<S> for Whole<R> {
    type Rejection = MatrixError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MatrixError> {
        let collected = Collected::of(request).await?;
        let body = collected.object()?;
        let (request, identity) = collected.typed()?;
        Ok(Self { request, identity, body })
    }
}
