//! Endpoints about end-to-end encryption: public keys, device lists, key backups.

mod backup_version;
mod get_backup_info;
mod get_backup_keys;
mod get_backup_keys_for_room;
mod get_backup_keys_for_session;
mod get_key_changes;
mod get_keys;
mod get_latest_backup_info;
mod signed_keys;

use axum::Router;
use http_edge::endpoint;

use crate::state::ReadSide;

pub(crate) const SERVED: &[&str] = &[
    "get_keys",
    "get_key_changes",
    "get_latest_backup_info",
    "get_backup_info",
    "get_backup_keys",
    "get_backup_keys_for_room",
    "get_backup_keys_for_session",
];

pub(crate) fn routes() -> Router<ReadSide> {
    Router::new()
        .merge(endpoint(get_keys::get_keys))
        .merge(endpoint(get_key_changes::get_key_changes))
        .merge(endpoint(get_latest_backup_info::get_latest_backup_info))
        .merge(endpoint(get_backup_info::get_backup_info))
        .merge(endpoint(get_backup_keys::get_backup_keys))
        .merge(endpoint(get_backup_keys_for_room::get_backup_keys_for_room))
        .merge(endpoint(get_backup_keys_for_session::get_backup_keys_for_session))
}
