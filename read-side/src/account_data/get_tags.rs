//! `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::tag::get_tags::v3::Request;
use serde_json::{Value, json};

use crate::{caller::only_own, state::ReadSide};

/// Client-server API, `getRoomTags`. Tags are the room's account data `m.tag`.
pub(crate) async fn get_tags(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    only_own(&identity, &request.user_id)?;
    let user = identity.user_stream;
    let tags = read
        .ask(move |snapshot| {
            let Some(room) = snapshot.room(request.room_id.as_str())? else { return Ok(None) };
            let content = snapshot.account_data(user, Some(room), "m.tag")?;
            let content: Option<Value> =
                content.and_then(|content| serde_json::from_slice(&content).ok());
            Ok(content.and_then(|content| content.get("tags").cloned()))
        })
        .await?;
    Ok(Json(json!({ "tags": tags.unwrap_or_else(|| json!({})) })))
}
