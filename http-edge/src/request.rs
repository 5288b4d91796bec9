//! Requests of ruma's types.
//!
//! Owns the order of an extraction: authenticate, take a token of the rate, collect the body
//! within its bounds, check it, give it its type. Whoever may not ask is refused before a byte of
//! the body is read.

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
};
use bytes::Bytes;
use http::{Extensions, Method, request::Parts};
use http_body_util::Limited;
use ruma::api::{
    IncomingRequest, IncomingRequestExt, Metadata,
    error::{DeserializationError, FromHttpRequestError},
    path_builder::PathBuilder,
};

use crate::{
    Authenticate, Edge, HasEndpoint, MatrixError,
    authenticate::identify,
    json_body::{check_json, collect_body, shape_error},
};

/// Extracts a request of ruma's type `R` with a JSON body, authenticated as its metadata says.
///
/// `identity` is a `Session` where a token is required, `Option<Session>` where it is optional,
/// `AppserviceClaim` where only application services send one, and `()` elsewhere.
pub struct Matrix<R: Metadata>
where
    R::Authentication: Authenticate,
{
    /// The request.
    pub request: R,
    /// Who sent it.
    pub identity: <R::Authentication as Authenticate>::Identity,
}

/// Extracts a request whose body is raw bytes, without reading them.
///
/// The body field of `request` is empty; `body` streams the bytes and fails with
/// `http_body_util::LengthLimitError` past the bound of uploads.
pub struct Streamed<R: Metadata>
where
    R::Authentication: Authenticate,
{
    /// The request without its body.
    pub request: R,
    /// Who sent it.
    pub identity: <R::Authentication as Authenticate>::Identity,
    /// The body, bounded.
    pub body: Body,
}

impl<R: Metadata> HasEndpoint for Matrix<R>
where
    R::Authentication: Authenticate,
{
    type Request = R;
}

impl<R: Metadata> HasEndpoint for Streamed<R>
where
    R::Authentication: Authenticate,
{
    type Request = R;
}

impl<S, R> FromRequest<S> for Matrix<R>
where
    S: Send + Sync,
    R: IncomingRequest + Send,
    R::Authentication: Authenticate,
{
    type Rejection = MatrixError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MatrixError> {
        let (mut parts, body) = request.into_parts();
        let identity = authorize::<R>(&parts)?;
        let bounds = Edge::of(&parts.extensions)?.bounds();
        let body = collect_body(body, bounds.json_body_max, bounds.body_deadline).await?;
        let path_args = path_args(&mut parts).await?;
        let body = json_of(&parts.method, body)?;
        let request = parse_request(parts, &body, &path_args)?;
        Ok(Self { request, identity })
    }
}

impl<S, R> FromRequest<S> for Streamed<R>
where
    S: Send + Sync,
    R: IncomingRequest + Send,
    R::Authentication: Authenticate,
{
    type Rejection = MatrixError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MatrixError> {
        let (mut parts, body) = request.into_parts();
        let identity = authorize::<R>(&parts)?;
        let bound = Edge::of(&parts.extensions)?.bounds().upload_max;
        refuse_declared_excess(&parts, bound)?;
        let path_args = path_args(&mut parts).await?;
        let request = parse_request(parts, &[], &path_args)?;
        let body = Body::new(Limited::new(body, bound));
        Ok(Self { request, identity, body })
    }
}

fn authorize<R>(parts: &Parts) -> Result<<R::Authentication as Authenticate>::Identity, MatrixError>
where
    R: Metadata,
    R::Authentication: Authenticate,
{
    let identity = identify::<R::Authentication>(parts, serves_locked::<R>())?;
    if R::RATE_LIMITED {
        let session = R::Authentication::session(&identity);
        Edge::of(&parts.extensions)?.check_rate(&parts.extensions, session)?;
    }
    Ok(identity)
}

/// Locked accounts may still log out (client-server API, "Account locking").
fn serves_locked<R: Metadata>() -> bool {
    R::PATH_BUILDER
        .all_paths()
        .any(|path| path.ends_with("/logout") || path.ends_with("/logout/all"))
}

/// The path's arguments, percent-decoded, in the order of the path.
async fn path_args(parts: &mut Parts) -> Result<Vec<String>, MatrixError> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| MatrixError::invalid_param("The path is not UTF-8"))?;
    Ok(params.iter().map(|(_, value)| value.to_owned()).collect())
}

/// A checked JSON body. Methods that carry none have it ignored, for ruma looks at none; an empty
/// one of a POST or DELETE counts as `{}`, which is what clients mean that send nothing. What is
/// PUT must be there.
fn json_of(method: &Method, body: Bytes) -> Result<Bytes, MatrixError> {
    let ignored = matches!(*method, Method::GET | Method::HEAD);
    if ignored || (body.is_empty() && *method != Method::PUT) {
        return Ok(Bytes::from_static(b"{}"));
    }
    check_json(&body)?;
    Ok(body)
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

/// Gives a request whose body was collected and checked its ruma type.
///
/// For extractors that authenticate in another way, such as by server signatures.
pub fn parse_request<R: IncomingRequest>(
    mut parts: Parts,
    body: &[u8],
    path_args: &[String],
) -> Result<R, MatrixError> {
    // What a request carries for the edge is none of ruma's business.
    parts.extensions = Extensions::new();
    let path_args: Vec<&str> = path_args.iter().map(String::as_str).collect();
    R::try_from_http_request(http::Request::from_parts(parts, body), &path_args)
        .map_err(|error| request_error(&error))
}

fn request_error(error: &FromHttpRequestError) -> MatrixError {
    match error {
        FromHttpRequestError::MethodMismatch { .. } => MatrixError::wrong_method(),
        FromHttpRequestError::Deserialization(error) => deserialization_error(error),
        _ => MatrixError::bad_request("The request is malformed"),
    }
}

/// ruma reports path arguments and query parameters as the same kind.
fn deserialization_error(error: &DeserializationError) -> MatrixError {
    match error {
        DeserializationError::Utf8(_) => MatrixError::not_json("The request body is not UTF-8"),
        DeserializationError::Json(error) => shape_error(error),
        DeserializationError::Query(error) => {
            let message = error.to_string();
            if message.starts_with("missing field") {
                MatrixError::missing_param(format!("A parameter is missing: {message}"))
            } else {
                MatrixError::invalid_param(format!("A parameter is wrong: {message}"))
            }
        }
        DeserializationError::Ident(error) => {
            MatrixError::invalid_param(format!("An identifier is malformed: {error}"))
        }
        DeserializationError::Header(error) => {
            MatrixError::invalid_param(format!("A header is wrong: {error}"))
        }
        _ => MatrixError::bad_request("The request is malformed"),
    }
}
