//! `PUT /media/upload/{serverName}/{mediaId}`.

use axum::{Json, extract::State};
use commands::media::check_reserved;
use http_edge::{MatrixError, Streamed};
use ruma::api::client::media::create_content_async::v3::Request;

use serde_json::{Value, json};

use super::take_in::{Described, take_in};
use crate::{WriteEndpoints, errors::EndpointError};

pub(crate) async fn create_content_async(
    State(state): State<WriteEndpoints>,
    Streamed { request, identity, body }: Streamed<Request>,
) -> Result<Json<Value>, EndpointError> {
    identity.refuse_guest()?;
    if !state.is_ours(&request.server_name) {
        return Err(MatrixError::not_found("This media ID was not reserved here").into());
    }
    // Refused before a byte is read, and looked at again when the bytes are there.
    check_reserved(&state.write_side, &identity.user, &request.media_id).await?;
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
