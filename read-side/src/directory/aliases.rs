//! `GET /_matrix/client/v3/rooms/{roomId}/aliases`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::room::aliases::v3::Request;
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    room_access::{is_world_readable, not_in_room},
    state::ReadSide,
};

/// Client-server API, `getLocalAliases`: for joined members, and for all in world-readable rooms.
pub(crate) async fn aliases(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let caller = Caller::of(&read, &identity);
    let aliases = read
        .ask(move |snapshot| {
            let room_id = request.room_id.as_str();
            let room = snapshot.room(room_id)?.ok_or_else(not_in_room)?;
            if !snapshot.is_joined(caller.user, room)? && !is_world_readable(snapshot, room)? {
                return Err(not_in_room().into());
            }
            Ok(snapshot.aliases_of(room_id)?)
        })
        .await?;
    Ok(Json(json!({ "aliases": aliases })))
}
