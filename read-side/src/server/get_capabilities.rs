//! `GET /_matrix/client/v3/capabilities`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::discovery::get_capabilities::v3::Request;
use serde_json::{Map, Value, json};

use crate::state::ReadSide;

/// Room versions that people are encouraged to use, and those that only old rooms have (DESIGN
/// section 5).
const STABLE: [&str; 7] = ["6", "7", "8", "9", "10", "11", "12"];
const UNSTABLE: [&str; 4] = ["2", "3", "4", "5"];

/// Client-server API, `getCapabilities`.
pub(crate) async fn get_capabilities(
    State(read): State<ReadSide>,
    Matrix { identity, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let available: Map<String, Value> = [(&STABLE[..], "stable"), (&UNSTABLE[..], "unstable")]
        .into_iter()
        .flat_map(|(versions, stability)| {
            versions.iter().map(move |version| ((*version).to_owned(), Value::from(stability)))
        })
        .collect();
    Ok(Json(json!({
        "capabilities": {
            "m.room_versions": {
                "default": read.settings().default_room_version,
                "available": available,
            },
            "m.change_password": { "enabled": true },
            "m.set_displayname": { "enabled": true },
            "m.set_avatar_url": { "enabled": true },
            "m.profile_fields": { "enabled": true },
            "m.3pid_changes": { "enabled": false },
            "m.get_login_token": { "enabled": false },
        },
    })))
}
