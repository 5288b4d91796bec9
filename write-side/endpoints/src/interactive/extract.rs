//! Requests with an `auth` object.
//!
//! Owns taking `auth` out of the body before the rest gets ruma's type: clients send forms of it
//! that the type refuses (a password's `user` without an `identifier`), and those must count.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use http_edge::{Authenticate, Edge, HasEndpoint, Matrix, MatrixError, check_json, collect_body};
use ruma::api::{IncomingRequest, Metadata};
use serde_json::{Map, Value};

use super::AuthDict;

/// Extracts a request of ruma's type `R` and what it shows to authenticate.
///
/// The body is read before the token is looked at; it is bounded all the same.
pub(crate) struct Interactive<R: Metadata>
where
    R::Authentication: Authenticate,
{
    pub(crate) request: R,
    pub(crate) identity: <R::Authentication as Authenticate>::Identity,
    pub(crate) auth: Option<AuthDict>,
}

impl<R: Metadata> HasEndpoint for Interactive<R>
where
    R::Authentication: Authenticate,
{
    type Request = R;
}

impl<S, R> FromRequest<S> for Interactive<R>
where
    S: Send + Sync,
    R: IncomingRequest + Send,
    R::Authentication: Authenticate,
{
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let bounds = Edge::of(&parts.extensions)?.bounds();
        let body = collect_body(body, bounds.json_body_max, bounds.body_deadline).await?;
        let (auth, body) = take_auth(&body)?;
        let request = Request::from_parts(parts, Body::from(body));
        let Matrix { request, identity } = Matrix::<R>::from_request(request, state).await?;
        Ok(Self { request, identity, auth })
    }
}

fn take_auth(body: &[u8]) -> Result<(Option<AuthDict>, Vec<u8>), MatrixError> {
    if body.is_empty() {
        return Ok((None, Vec::new()));
    }
    check_json(body)?;
    let mut object: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| MatrixError::not_json("The request body is not JSON"))?;
    let auth = match object.remove("auth") {
        None | Some(Value::Null) => None,
        Some(Value::Object(auth)) => Some(auth),
        Some(_) => return Err(MatrixError::bad_json("The field auth must be an object")),
    };
    Ok((auth, Value::Object(object).to_string().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_is_taken_out_and_nothing_else() {
        let body = br#"{"auth":{"type":"m.login.dummy"},"devices":["A"]}"#;
        let (auth, rest) = take_auth(body).unwrap();
        assert_eq!(auth.unwrap()["type"], "m.login.dummy");
        assert_eq!(rest, br#"{"devices":["A"]}"#);
        assert!(take_auth(br#"{"auth":7}"#).is_err());
        assert!(take_auth(b"{").is_err());
        assert_eq!(take_auth(b"").unwrap(), (None, Vec::new()));
    }
}
