//! JSON bodies: checked before anything is built from them.
//!
//! Owns the bound on depth (I10) and the difference between "no JSON" and "JSON of
//! a wrong shape". Never decides what an endpoint's fields mean.

use axum::extract::{FromRequest, Request};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Map, Value, error::Category};

use crate::{Edge, MatrixError, body::collect_body};

/// How deep arrays and objects of a body may nest. Canonical JSON of real clients stays below 20;
/// recursion in whatever parses a value later is bounded by this.
pub const JSON_DEPTH_MAX: usize = 100;

/// Checks that `body` is one JSON object, in UTF-8, nested at most [`JSON_DEPTH_MAX`] deep.
///
/// The whole body is checked before any of it is given a shape, so a body that is cut off is
/// always `M_NOT_JSON`, however wrong its beginning is.
pub fn check_json(body: &[u8]) -> Result<(), MatrixError> {
    let text = std::str::from_utf8(body)
        .map_err(|_| MatrixError::not_json("The request body is not UTF-8"))?;
    if depth_exceeds(text.as_bytes(), JSON_DEPTH_MAX) {
        return Err(MatrixError::bad_json(format!(
            "The request body nests deeper than {JSON_DEPTH_MAX} levels"
        )));
    }
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| MatrixError::not_json(format!("The request body is not JSON: {error}")))?;
    // A struct would also be read from an array, in the order of its fields.
    if text.trim_start().starts_with('{') {
        Ok(())
    } else {
        Err(MatrixError::bad_json("The request body must be an object"))
    }
}

/// True where brackets outside of strings open more than `max` levels.
fn depth_exceeds(json: &[u8], max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            (_, _) => {}
        }
    }
    false
}

/// The error for JSON that did not become an endpoint's type.
pub(crate) fn shape_error(error: &serde_json::Error) -> MatrixError {
    match error.classify() {
        // Only what the first check does not look at: lone surrogates in strings.
        Category::Syntax | Category::Eof | Category::Io => {
            MatrixError::not_json(format!("The request body is not JSON: {error}"))
        }
        Category::Data => MatrixError::bad_json(format!("The request body is wrong: {error}")),
    }
}

/// Gives a checked body the type `T`. An empty body counts as `{}`.
fn deserialize<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, MatrixError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    check_json(body)?;
    serde_json::from_slice(body).map_err(|error| shape_error(&error))
}

/// Extracts a JSON body of type `T`, for endpoints whose ruma type cannot express what clients
/// send. Authenticates nothing: put [`crate::Auth`] before it.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

/// Extracts a body that is any JSON object.
#[derive(Clone, Debug)]
pub struct JsonObject(pub Map<String, Value>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = MatrixError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MatrixError> {
        let (parts, body) = request.into_parts();
        let bounds = Edge::of(&parts.extensions)?.bounds();
        let body = collect_body(body, bounds.json_body_max, bounds.body_deadline).await?;
        deserialize(&body).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = MatrixError;

    async fn from_request(request: Request, state: &S) -> Result<Self, MatrixError> {
        let JsonBody(object) = JsonBody::from_request(request, state).await?;
        Ok(Self(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_nest() {
        let text = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(500));
        assert!(check_json(text.as_bytes()).is_ok());
    }

    #[test]
    fn depth_is_allowed_up_to_the_bound_and_no_further() {
        let nested = |levels: usize| {
            let inner = levels - 1;
            format!(r#"{{"a":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
        };
        assert!(check_json(nested(JSON_DEPTH_MAX).as_bytes()).is_ok());
        assert!(check_json(nested(JSON_DEPTH_MAX + 1).as_bytes()).is_err());
    }
}
