//! Variables of a path and members of a query string, for routes that have no type of ruma's.
//!
//! Owns their refusal: what cannot be read (a number that is none, an unknown member, a path that
//! is no UTF-8) is Matrix's error with 400 `M_INVALID_PARAM`, where axum's own extractors answer
//! plain text. The message is axum's, which names the member that cannot be read.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::MatrixError;

/// The variables of the route's path, in order.
#[derive(Debug)]
pub struct Path<T>(pub T);

/// The members of the query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, MatrixError> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        let axum::extract::Path(read) =
            read.map_err(|refused| MatrixError::invalid_param(refused.body_text()))?;
        Ok(Self(read))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, MatrixError> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        let axum::extract::Query(read) =
            read.map_err(|refused| MatrixError::invalid_param(refused.body_text()))?;
        Ok(Self(read))
    }
}
