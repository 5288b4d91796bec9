//! `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}`.

use axum::{extract::State, response::Response};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::authenticated_media::get_content::v1::Request;

use super::{serve::content_answer, stored_media::stored_media};
use crate::state::ReadSide;

/// Client-server API, `getContentAuthed`.
pub(crate) async fn get_content(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Response, MatrixError> {
    identity.refuse_guest()?;
    let media =
        stored_media(&read, &request.server_name, &request.media_id, request.timeout_ms).await?;
    content_answer(&read, &media, media.file_name.as_deref()).await
}
