//! `PUT /room_keys/version/{version}`.

use axum::extract::State;
use commands::user;
use http_edge::{Matrix, MatrixError};
use ruma::api::client::backup::update_backup_version::v3::{Request, Response};

use super::backup_version::{described, number};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn update_backup_version(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let wish = described(&request.algorithm)?;
    if wish.version.is_some_and(|version| version != request.version) {
        let refused = "The version in the body is not the version in the path";
        return Err(MatrixError::invalid_param(refused).into());
    }
    user::update_backup_version(
        &state.write_side,
        &identity.user,
        number(&request.version)?,
        &wish.algorithm,
        wish.auth_data.get(),
    )
    .await?;
    answer(Response::new())
}
