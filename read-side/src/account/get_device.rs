//! `GET /_matrix/client/v3/devices/{deviceId}`. Open to guests.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::device::get_device::v3::Request;
use serde_json::Value;

use super::get_devices::device_json;
use crate::state::ReadSide;

/// Client-server API, `getDevice`.
pub(crate) async fn get_device(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let user = identity.user_stream;
    let device = read
        .ask(move |snapshot| Ok(snapshot.device(user, request.device_id.as_str())?))
        .await?
        .ok_or_else(|| MatrixError::not_found("You have no such device"))?;
    Ok(Json(device_json(device)))
}
