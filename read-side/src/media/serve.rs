//! Answers that carry media.
//!
//! Owns the headers that keep uploads from acting as pages of this origin (client-server API,
//! "Content repository", security considerations).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use facts::fact::MediaStored;
use futures_util::{StreamExt, stream};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use http_edge::MatrixError;

use super::disposition::disposition;
use crate::{
    ports::{BlobError, BlobStream},
    state::ReadSide,
};

const UNKNOWN_TYPE: &str = "application/octet-stream";
const SANDBOX: &str = "sandbox; default-src 'none'; script-src 'none'; \
     plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The whole content, under a name.
pub(super) async fn content_answer(
    read: &ReadSide,
    media: &MediaStored,
    file_name: Option<&str>,
) -> Result<Response, MatrixError> {
    let body = first_then_rest(read.blobs().read(media, 0..media.bytes)).await?;
    let content_type = media.content_type.as_deref().unwrap_or(UNKNOWN_TYPE);
    let mut response = body.into_response();
    dress(response.headers_mut(), content_type, file_name);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(media.bytes));
    Ok(response)
}

/// An image that was made here.
pub(super) fn image_answer(bytes: Vec<u8>, content_type: &'static str) -> Response {
    let mut response = Body::from(bytes).into_response();
    dress(response.headers_mut(), content_type, None);
    response
}

fn dress(headers: &mut HeaderMap, content_type: &str, file_name: Option<&str>) {
    let unknown = HeaderValue::from_static(UNKNOWN_TYPE);
    headers.insert(CONTENT_TYPE, HeaderValue::try_from(content_type).unwrap_or(unknown));
    headers.insert(CONTENT_DISPOSITION, disposition(content_type, file_name));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
}

/// Waits for the first piece, so that a blob that cannot be read is an error and no broken answer.
async fn first_then_rest(mut blob: BlobStream) -> Result<Body, MatrixError> {
    match blob.next().await {
        None => Ok(Body::empty()),
        Some(Ok(first)) => Ok(Body::from_stream(stream::iter([Ok(first)]).chain(blob))),
        Some(Err(error)) => Err(blob_error(&error)),
    }
}

/// A blob that cannot be read, as an answer.
pub(super) fn blob_error(error: &BlobError) -> MatrixError {
    match error {
        BlobError::Gone => MatrixError::not_found("There is no such media"),
        BlobError::Fault(cause) => {
            tracing::error!(?cause, "a blob could not be read");
            MatrixError::internal()
        }
    }
}
