//! `GET /_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}`. Open to guests.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::Snapshot;
use ruma::api::client::state::get_state_event_for_key::v3::{Request, StateEventFormat};
use serde_json::{Value, json};

use crate::{
    caller::Caller, client_event::EventWriter, fault::ReadFault, room_access::open_room,
    state::ReadSide,
};

/// Client-server API, `getRoomStateWithKey`: the content, or the event with `format=event`.
pub(crate) async fn get_state_event_for_key(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    if !matches!(request.format, StateEventFormat::Content | StateEventFormat::Event) {
        return Err(MatrixError::invalid_param("format is neither content nor event"));
    }
    let caller = Caller::of(&read, &identity);
    Ok(Json(read.ask(move |snapshot| state_event(snapshot, &request, &caller)).await?))
}

fn state_event(
    snapshot: &Snapshot,
    request: &Request,
    caller: &Caller,
) -> Result<Value, ReadFault> {
    let absent = || MatrixError::not_found("The room has no such state");
    let room_id = request.room_id.as_str();
    let open = open_room(snapshot, room_id, caller)?;
    let event_type = request.event_type.to_string();
    let position =
        open.state_event(snapshot, &event_type, &request.state_key)?.ok_or_else(absent)?;
    let event = snapshot.event_at(position)?.ok_or_else(absent)?;
    let viewer = caller.viewer(snapshot)?;
    let writer = EventWriter::new(snapshot, room_id, caller.reader(&viewer));
    if matches!(request.format, StateEventFormat::Event) {
        return Ok(writer.event(&event)?);
    }
    let content = writer.shown_of(&event)?.get("content");
    Ok(content.cloned().unwrap_or_else(|| json!({})))
}
