//! `PUT /media/upload/{serverName}/{mediaId}`.

use axum::{Json, extract::State};
use commands::{
    CommandError,
    media::{MediaError, check_reserved},
};
use decide::user::UserRefusal;
use http_edge::{MatrixError, Session, Streamed};
use ruma::api::client::media::create_content_async::v3::Request;
use serde_json::{Value, json};

use super::take_in::{Described, take_in};
use crate::{
    WriteEndpoints,
    errors::{EndpointError, refused},
};

pub(crate) async fn create_content_async(
    State(state): State<WriteEndpoints>,
    Streamed { request, identity, body }: Streamed<Request>,
) -> Result<Json<Value>, EndpointError> {
    identity.refuse_guest()?;
    if !state.is_ours(&request.server_name) {
        return Err(MatrixError::not_found("This media ID was not reserved here").into());
    }
    // Refused before a byte is read, and looked at again when the bytes are there.
    let checked = check_reserved(&state.write_side, &identity.user, &request.media_id).await;
    checked.map_err(|error| why_not(&state, &identity, &request.media_id, error))?;
    let described = Described {
        media_id: request.media_id,
        reserved: true,
        content_type: request.content_type,
        file_name: request.filename,
    };
    take_in(&state, &identity, body, described).await?;
    // ruma's type of the answer has no constructor.
    Ok(Json(json!({})))
}

/// An id that was given to somebody else is forbidden, and one that was filled long ago is full;
/// the uploader's own fold knows neither.
fn why_not(
    state: &WriteEndpoints,
    session: &Session,
    media_id: &str,
    error: MediaError,
) -> EndpointError {
    if !matches!(error, CommandError::Refusal(UserRefusal::NotFound(_))) {
        return error.into();
    }
    match state.media_ids.find(media_id) {
        Some(given) if given.owner != session.user_stream => refused(&UserRefusal::Forbidden),
        Some(given) if given.has_content => refused(&UserRefusal::MediaExists),
        // Never given, or given and expired.
        _ => error.into(),
    }
}
