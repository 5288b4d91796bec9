//! Endpoints about rooms: members, state, events, timelines, relations, typing.

mod create_typing_event;
pub(crate) mod gaps;
mod get_context;
mod get_event_by_timestamp;
mod get_member_events;
mod get_message_events;
mod get_mutual_rooms;
mod get_relating_events;
mod get_relating_events_with_rel_type;
mod get_relating_events_with_rel_type_and_event_type;
mod get_room_event;
mod get_state_event_for_key;
mod get_state_events;
mod get_threads;
mod joined_members;
mod joined_rooms;
mod relation_page;
mod typing_expiry;

use axum::Router;
use http_edge::{MatrixError, endpoint, endpoint_at};

use crate::{page_token::GivenToken, state::ReadSide};

pub(crate) const SERVED: &[&str] = &[
    "joined_rooms",
    "get_member_events",
    "joined_members",
    "get_state_events",
    "get_state_event_for_key",
    "get_room_event",
    "get_context",
    "get_message_events",
    "get_event_by_timestamp",
    "get_relating_events",
    "get_relating_events_with_rel_type",
    "get_relating_events_with_rel_type_and_event_type",
    "get_threads",
    "get_mutual_rooms",
    "create_typing_event",
];

/// Paths of a state event whose key is empty.
const EMPTY_KEY_PATHS: [&str; 4] = [
    "/_matrix/client/r0/rooms/{room_id}/state/{event_type}",
    "/_matrix/client/r0/rooms/{room_id}/state/{event_type}/",
    "/_matrix/client/v3/rooms/{room_id}/state/{event_type}",
    "/_matrix/client/v3/rooms/{room_id}/state/{event_type}/",
];

pub(crate) fn routes() -> Router<ReadSide> {
    use get_relating_events_with_rel_type_and_event_type as of_both;

    let with_empty_key = EMPTY_KEY_PATHS.into_iter().fold(Router::new(), |router, path| {
        router.merge(endpoint_at(path, get_state_event_for_key::get_state_event_for_key))
    });
    Router::new()
        .merge(with_empty_key)
        .merge(endpoint(joined_rooms::joined_rooms))
        .merge(endpoint(get_member_events::get_member_events))
        .merge(endpoint(joined_members::joined_members))
        .merge(endpoint(get_state_events::get_state_events))
        .merge(endpoint(get_state_event_for_key::get_state_event_for_key))
        .merge(endpoint(get_room_event::get_room_event))
        .merge(endpoint(get_context::get_context))
        .merge(endpoint(get_message_events::get_message_events))
        .merge(endpoint(get_event_by_timestamp::get_event_by_timestamp))
        .merge(endpoint(get_relating_events::get_relating_events))
        .merge(endpoint(get_relating_events_with_rel_type::get_relating_events_with_rel_type))
        .merge(endpoint(of_both::get_relating_events_with_rel_type_and_event_type))
        .merge(endpoint(get_threads::get_threads))
        .merge(endpoint(get_mutual_rooms::get_mutual_rooms))
        .merge(endpoint(create_typing_event::create_typing_event))
}

/// A pagination token of a query parameter.
fn given(text: Option<&str>, parameter: &str) -> Result<Option<GivenToken>, MatrixError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|_| MatrixError::invalid_param(format!("{parameter} is no token of this server")))
}
