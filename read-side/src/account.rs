//! Endpoints about accounts: who one is, one's devices, profiles, the user directory.

mod get_avatar_url;
mod get_device;
mod get_devices;
mod get_display_name;
mod get_profile;
mod get_profile_field;
mod get_user_info;
mod profile_owner;
mod search_users;
mod whoami;

use axum::Router;
use http_edge::endpoint;

use crate::state::ReadSide;

pub(crate) const SERVED: &[&str] = &[
    "whoami",
    "get_devices",
    "get_device",
    "get_profile",
    "get_display_name",
    "get_avatar_url",
    "get_profile_field",
    "get_user_info",
    "search_users",
];

pub(crate) fn routes() -> Router<ReadSide> {
    Router::new()
        .merge(endpoint(whoami::whoami))
        .merge(endpoint(get_devices::get_devices))
        .merge(endpoint(get_device::get_device))
        .merge(endpoint(get_profile::get_profile))
        .merge(endpoint(get_display_name::get_display_name))
        .merge(endpoint(get_avatar_url::get_avatar_url))
        .merge(endpoint(get_profile_field::get_profile_field))
        .merge(endpoint(get_user_info::get_user_info))
        .merge(endpoint(search_users::search_users))
}
