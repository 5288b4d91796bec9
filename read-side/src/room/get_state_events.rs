//! `GET /_matrix/client/v3/rooms/{roomId}/state`. Open to guests.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::Snapshot;
use ruma::api::client::state::get_state_events::v3::Request;
use serde_json::Value;

use crate::{
    caller::Caller, client_event::EventWriter, fault::ReadFault, room_access::open_room,
    state::ReadSide,
};

/// Client-server API, `getRoomState`. Those who left get the state of when they did.
pub(crate) async fn get_state_events(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let caller = Caller::of(&read, &identity);
    let events =
        read.ask(move |snapshot| state_events(snapshot, request.room_id.as_str(), &caller)).await?;
    Ok(Json(Value::Array(events)))
}

fn state_events(
    snapshot: &Snapshot,
    room_id: &str,
    caller: &Caller,
) -> Result<Vec<Value>, ReadFault> {
    let open = open_room(snapshot, room_id, caller)?;
    let viewer = caller.viewer(snapshot)?;
    let writer = EventWriter::new(snapshot, room_id, caller.reader(&viewer));
    let mut events = Vec::new();
    for entry in open.state(snapshot)? {
        events.extend(writer.at(entry.event)?);
    }
    Ok(events)
}
