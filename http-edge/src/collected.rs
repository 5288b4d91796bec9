//! What every extractor of a request of ruma's types does first.
//!
//! Owns the order of an extraction: authenticate, take a token of the rate, collect the body
//! within its bounds, check it, give it its type. Whoever may not ask is refused before a byte of
//! the body is read.

use axum::extract::{FromRequestParts, RawPathParams, Request};
use bytes::Bytes;
use http::{Extensions, Method, request::Parts};
use ruma::api::{IncomingRequest, IncomingRequestExt, Metadata, path_builder::PathBuilder};
use serde_json::{Map, Value};

use crate::{
    Authenticate, Edge, MatrixError,
    authenticate::identify,
    body::collect_body,
    json_body::{check_json, shape_error},
    request_error::request_error,
};

/// A request type of ruma's whose authentication scheme this edge serves.
pub trait Servable: IncomingRequest<Authentication: Authenticate> + Send {}

impl<R: IncomingRequest<Authentication: Authenticate> + Send> Servable for R {}

/// What the handler of a request `R` gets to know about its caller.
pub type IdentityOf<R> = <<R as Metadata>::Authentication as Authenticate>::Identity;

/// A request of an authenticated caller with its JSON body, not yet of its type: for extractors
/// that need of the body what the type leaves out.
pub struct Collected<R: Servable> {
    /// Who sent it.
    pub identity: IdentityOf<R>,
    /// One JSON object, checked; `{}` where the request carries none. What is put here instead
    /// becomes the request.
    pub body: Bytes,
    parts: Parts,
    path_args: Vec<String>,
}

impl<R: Servable> Collected<R> {
    /// Authenticates a request, then reads its body.
    pub async fn of(request: Request) -> Result<Self, MatrixError> {
        let (mut parts, body) = request.into_parts();
        let (identity, path_args) = begin::<R>(&mut parts).await?;
        let bounds = Edge::of(&parts.extensions)?.bounds();
        let body = collect_body(body, bounds.json_body_max, bounds.body_deadline).await?;
        let body = json_of(&parts.method, body)?;
        Ok(Self { identity, body, parts, path_args })
    }

    /// The body's fields.
    pub fn object(&self) -> Result<Map<String, Value>, MatrixError> {
        serde_json::from_slice(&self.body).map_err(|error| shape_error(&error))
    }

    /// Gives the request its type.
    pub fn typed(self) -> Result<(R, IdentityOf<R>), MatrixError> {
        let request = parse_request(self.parts, &self.body, &self.path_args)?;
        Ok((request, self.identity))
    }
}

/// Everything before the body: the caller, who may ask, and the path's arguments.
pub(crate) async fn begin<R: Servable>(
    parts: &mut Parts,
) -> Result<(IdentityOf<R>, Vec<String>), MatrixError> {
    let identity = identify::<R::Authentication>(parts, serves_locked::<R>())?;
    if R::RATE_LIMITED {
        let session = R::Authentication::session(&identity);
        Edge::of(&parts.extensions)?.check_rate(&parts.extensions, session)?;
    }
    Ok((identity, path_args(parts).await?))
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
