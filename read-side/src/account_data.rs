//! Endpoints about what a user stores: account data, tags, filters.

mod get_filter;
mod get_global_account_data;
mod get_room_account_data;
mod get_tags;

use axum::Router;
use facts::StreamId;
use http_edge::{MatrixError, endpoint};
use projections::Snapshot;
use ruma::RoomId;
use serde_json::Value;

use crate::{fault::ReadFault, state::ReadSide};

pub(crate) const SERVED: &[&str] =
    &["get_global_account_data", "get_room_account_data", "get_tags", "get_filter"];

pub(crate) fn routes() -> Router<ReadSide> {
    Router::new()
        .merge(endpoint(get_global_account_data::get_global_account_data))
        .merge(endpoint(get_room_account_data::get_room_account_data))
        .merge(endpoint(get_tags::get_tags))
        .merge(endpoint(get_filter::get_filter))
}

/// What somebody stored of a type for a room.
fn data_of_room(
    snapshot: &Snapshot,
    user: StreamId,
    room: &RoomId,
    data_type: &str,
) -> Result<Option<Value>, ReadFault> {
    let Some(room) = snapshot.room(room.as_str())? else { return Ok(None) };
    let content = snapshot.account_data(user, Some(room), data_type)?;
    Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
}

fn no_data() -> MatrixError {
    MatrixError::not_found("There is no account data of this type")
}
