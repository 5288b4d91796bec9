//! `POST /room_keys/version`.

use axum::extract::State;
use commands::user;
use http_edge::Matrix;
use ruma::api::client::backup::create_backup_version::v3::{Request, Response};

use super::backup_version::described;
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn create_backup_version(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let wish = described(&request.algorithm)?;
    let (algorithm, auth_data) = (&wish.algorithm, wish.auth_data.get());
    let version =
        user::create_backup_version(&state.write_side, &identity.user, algorithm, auth_data)
            .await?;
    answer(Response::new(version.to_string()))
}
