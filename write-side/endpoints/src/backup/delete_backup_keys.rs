//! `DELETE /room_keys/keys`.

use axum::extract::State;
use http_edge::Matrix;
use ruma::api::client::backup::delete_backup_keys::v3::{Request, Response};

use super::forget_keys::forget_keys;
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn delete_backup_keys(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let (etag, count) = forget_keys(&state, &identity, &request.version, None, None).await?;
    answer(Response::new(etag, count))
}
