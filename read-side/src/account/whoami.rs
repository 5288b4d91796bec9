//! `GET /_matrix/client/v3/account/whoami`. Open to guests.

use axum::Json;
use http_edge::{Matrix, SessionKind};
use ruma::api::client::account::whoami::v3::Request;
use serde_json::{Value, json};

/// Client-server API, `getTokenOwner`.
pub(crate) async fn whoami(Matrix { identity, .. }: Matrix<Request>) -> Json<Value> {
    let mut answer = json!({
        "user_id": identity.user,
        "is_guest": identity.kind == SessionKind::Guest,
    });
    // Application services may have no device.
    if let (Some(device), Some(answer)) = (identity.device, answer.as_object_mut()) {
        answer.insert("device_id".to_owned(), Value::from(device.as_str()));
    }
    Json(answer)
}
