//! Endpoints about the server: versions, discovery, capabilities, calls.

mod discover_homeserver;
mod get_capabilities;
mod get_supported_versions;
mod get_turn_server_info;

use axum::Router;
use http_edge::endpoint;

use crate::state::ReadSide;

pub(crate) const SERVED: &[&str] =
    &["get_supported_versions", "discover_homeserver", "get_capabilities", "get_turn_server_info"];

pub(crate) fn routes() -> Router<ReadSide> {
    Router::new()
        .merge(endpoint(get_supported_versions::get_supported_versions))
        .merge(endpoint(discover_homeserver::discover_homeserver))
        .merge(endpoint(get_capabilities::get_capabilities))
        .merge(endpoint(get_turn_server_info::get_turn_server_info))
}
