//! Requests whose type would lose fields.
//!
//! Owns keeping the whole JSON body beside ruma's type: the type checks the shape, the body is
//! what gets stored.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use http_edge::{Authenticate, Edge, HasEndpoint, Matrix, MatrixError, check_json, collect_body};
use ruma::api::{IncomingRequest, Metadata};
use serde_json::{Map, Value};

/// Extracts a request of ruma's type `R` and its whole body.
///
/// The body is read before the token is looked at; it is bounded all the same.
pub(crate) struct Whole<R: Metadata>
where
    R::Authentication: Authenticate,
{
    pub(crate) request: R,
    pub(crate) identity: <R::Authentication as Authenticate>::Identity,
    pub(crate) body: Map<String, Value>,
}

impl<R: Metadata> HasEndpoint for Whole<R>
where
    R::Authentication: Authenticate,
{
    type Request = R;
}

impl<S, R> FromRequest<S> for Whole<R>
where
    S: Send + Sync,
    R: IncomingRequest + Send,
    R::Authentication: Authenticate,
{
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let bounds = Edge::of(&parts.extensions)?.bounds();
        let bytes = collect_body(body, bounds.json_body_max, bounds.body_deadline).await?;
        let again = Request::from_parts(parts, Body::from(bytes.clone()));
        let Matrix { request, identity } = Matrix::<R>::from_request(again, state).await?;
        let body = if bytes.is_empty() {
            Map::new()
        } else {
            check_json(&bytes)?;
            serde_json::from_slice(&bytes)
                .map_err(|_| MatrixError::not_json("The request body is not JSON"))?
        };
        Ok(Self { request, identity, body })
    }
}
