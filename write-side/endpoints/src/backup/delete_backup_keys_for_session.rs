//! `DELETE /room_keys/keys/{roomId}/{sessionId}`.

use axum::extract::State;
use http_edge::Matrix;
use ruma::api::client::backup::delete_backup_keys_for_session::v3::{Request, Response};

use super::forget_keys::forget_keys;
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn delete_backup_keys_for_session(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let (room, id) = (Some(request.room_id.as_str()), Some(request.session_id.as_str()));
    let (etag, count) = forget_keys(&state, &identity, &request.version, room, id).await?;
    answer(Response::new(etag, count))
}
