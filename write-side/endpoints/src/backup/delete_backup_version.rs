//! `DELETE /room_keys/version/{version}`.

use axum::extract::State;
use commands::user;
use http_edge::Matrix;
use ruma::api::client::backup::delete_backup_version::v3::{Request, Response};

use super::backup_version::number;
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn delete_backup_version(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let version = number(&request.version)?;
    user::delete_backup_version(&state.write_side, &identity.user, version).await?;
    answer(Response::new())
}
