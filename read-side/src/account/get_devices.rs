//! `GET /_matrix/client/v3/devices`. Open to guests.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::query::Device;
use ruma::api::client::device::get_devices::v3::Request;
use serde_json::{Map, Value, json};

use crate::state::ReadSide;

/// Client-server API, `getDevices`.
pub(crate) async fn get_devices(
    State(read): State<ReadSide>,
    Matrix { identity, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let user = identity.user_stream;
    let devices = read.ask(move |snapshot| Ok(snapshot.devices(user)?)).await?;
    let devices: Vec<_> = devices.into_iter().map(device_json).collect();
    Ok(Json(json!({ "devices": devices })))
}

/// A device as its owner sees it.
pub(super) fn device_json(device: Device) -> Value {
    let mut json = Map::new();
    json.insert("device_id".to_owned(), Value::from(device.device_id));
    if let Some(name) = device.display_name {
        json.insert("display_name".to_owned(), Value::from(name));
    }
    if let Some(address) = device.seen_address {
        json.insert("last_seen_ip".to_owned(), Value::from(address));
    }
    if let Some(at) = device.seen_at {
        json.insert("last_seen_ts".to_owned(), Value::from(at.0));
    }
    Value::Object(json)
}
