//! `GET /_matrix/client/v3/admin/whois/{userId}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::admin::get_user_info::v3::Request;
use serde_json::{Map, Value, json};

use crate::state::ReadSide;

/// Client-server API, `getWhoIs`: for the user themselves and for server administrators.
pub(crate) async fn get_user_info(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    if identity.user != request.user_id {
        identity.require_admin()?;
    }
    let user_id = request.user_id.clone();
    let devices = read
        .ask(move |snapshot| {
            let unknown = || MatrixError::not_found("There is no such user on this server");
            let user = snapshot.user(user_id.as_str())?.ok_or_else(unknown)?;
            snapshot.account(user)?.ok_or_else(unknown)?;
            Ok(snapshot.devices(user)?)
        })
        .await?;
    let devices: Map<String, Value> = devices
        .into_iter()
        .map(|device| {
            let mut connection = Map::new();
            if let Some(address) = device.seen_address {
                connection.insert("ip".to_owned(), Value::from(address));
            }
            if let Some(at) = device.seen_at {
                connection.insert("last_seen".to_owned(), Value::from(at.0));
            }
            let connections = if connection.is_empty() { json!([]) } else { json!([connection]) };
            (device.device_id, json!({ "sessions": [{ "connections": connections }] }))
        })
        .collect();
    Ok(Json(json!({ "user_id": request.user_id, "devices": devices })))
}
