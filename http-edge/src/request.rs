//! Requests of ruma's types.
//!
//! Owns the two extractors that most handlers use: of requests with a JSON body, and of uploads.

use axum::extract::{FromRequest, Request};
use http::request::Parts;

use crate::{
    Collected, Edge, HasEndpoint, IdentityOf, MatrixError, Servable, UploadBody,
    collected::{begin, parse_request},
};

/// Extracts a request of ruma's type `R` with a JSON body, authenticated as its metadata says.
///
/// `identity` is a `Session` where a token is required, `Option<Session>` where it is optional,
/// `AppserviceClaim` where only application services send one, and `()` elsewhere.
pub struct Matrix<R: Servable> {
    /// The request.
    pub request: R,
    /// Who sent it.
    pub identity: IdentityOf<R>,
}

/// Extracts a request whose body is raw bytes, without reading them.
pub struct Streamed<R: Servable> {
    /// The request; its body field is empty.
    pub request: R,
    /// Who sent it.
    pub identity: IdentityOf<R>,
    /// The body, bounded.
    pub body: UploadBody,
}

impl<R: Servable> HasEndpoint for Matrix<R> {
    type Request = R;
}

impl<R: Servable> HasEndpoint for Streamed<R> {
    type Request = R;
}

impl<S: Send + Sync, R: Servable> FromRequest<S> for Matrix<R> {
    type Rejection = MatrixError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MatrixError> {
        let (request, identity) = Collected::of(request).await?.typed()?;
        Ok(Self { request, identity })
    }
}

impl<S: Send + Sync, R: Servable> FromRequest<S> for Streamed<R> {
    type Rejection = MatrixError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MatrixError> {
        let (mut parts, body) = request.into_parts();
        let (identity, path_args) = begin::<R>(&mut parts).await?;
        let bounds = Edge::of(&parts.extensions)?.bounds();
        refuse_declared_excess(&parts, bounds.upload_max)?;
        let body = UploadBody::new(body, bounds.upload_max, bounds.body_deadline);
        let request = parse_request(parts, &[], &path_args)?;
        Ok(Self { request, identity, body })
    }
}

/// Refuses an upload that says itself that it is too long, before its bytes arrive.
fn refuse_declared_excess(parts: &Parts, bound: usize) -> Result<(), MatrixError> {
    let declared = parts
        .headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match declared {
        Some(length) if usize::try_from(length).map_or(true, |length| length > bound) => {
            Err(MatrixError::too_large(format!("An upload may have {bound} bytes at most")))
        }
        _ => Ok(()),
    }
}
