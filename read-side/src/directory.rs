//! Endpoints about finding rooms: aliases, the public directory, summaries, spaces.

mod aliases;
mod get_alias;
mod get_hierarchy;
mod get_public_rooms;
mod get_public_rooms_filtered;
mod get_room_visibility;
mod get_summary;
mod public_list;
mod space_tree;

use axum::Router;
use http_edge::endpoint;

use crate::state::ReadSide;

pub(crate) const SERVED: &[&str] = &[
    "aliases",
    "get_alias",
    "get_room_visibility",
    "get_public_rooms",
    "get_public_rooms_filtered",
    "get_summary",
    "get_hierarchy",
];

pub(crate) fn routes() -> Router<ReadSide> {
    Router::new()
        .merge(endpoint(aliases::aliases))
        .merge(endpoint(get_alias::get_alias))
        .merge(endpoint(get_room_visibility::get_room_visibility))
        .merge(endpoint(get_public_rooms::get_public_rooms))
        .merge(endpoint(get_public_rooms_filtered::get_public_rooms_filtered))
        .merge(endpoint(get_summary::get_summary))
        .merge(endpoint(get_hierarchy::get_hierarchy))
}
