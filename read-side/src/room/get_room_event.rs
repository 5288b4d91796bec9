//! `GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}`. Open to guests.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::room::get_room_event::v3::Request;
use serde_json::Value;

use crate::{
    caller::Caller, client_event::EventWriter, room_access::readable_event, state::ReadSide,
};

/// Client-server API, `getOneRoomEvent`. What one may not see is not found.
pub(crate) async fn get_room_event(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let caller = Caller::of(&read, &identity);
    let event = read
        .ask(move |snapshot| {
            let room_id = request.room_id.as_str();
            let viewer = caller.viewer(snapshot)?;
            let event = readable_event(snapshot, room_id, request.event_id.as_str(), &viewer)?;
            let writer = EventWriter::new(snapshot, room_id, caller.reader(&viewer));
            Ok(writer.event(&event)?)
        })
        .await?;
    Ok(Json(event))
}
