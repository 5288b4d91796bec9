//! `DELETE /room_keys/keys/{roomId}`.

use axum::extract::State;
use commands::user;
use http_edge::Matrix;
use ruma::api::client::backup::delete_backup_keys_for_room::v3::{Request, Response};

use super::backup_version::{number, uint};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn delete_backup_keys_for_room(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let version = number(&request.version)?;
    let left = user::delete_backup_keys(
        &state.write_side,
        &identity.user,
        version,
        Some(request.room_id.as_str()),
        None,
    )
    .await?;
    answer(Response::new(left.etag.to_string(), uint(left.count)))
}
