//! `PUT /devices/{deviceId}`.

use axum::extract::State;
use commands::user::rename_device;
use http_edge::Matrix;
use ruma::api::client::device::update_device::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn update_device(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    rename_device(
        &state.write_side,
        &identity.user,
        request.device_id.as_str(),
        request.display_name.as_deref(),
    )
    .await?;
    answer(Response::new())
}
