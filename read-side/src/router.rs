//! Routes.
//!
//! Owns the list of what the read side serves. Every endpoint is registered under all paths that
//! ruma's metadata knows.

use axum::{Router, routing::get};

use crate::{
    account, account_data, directory, e2ee, media, push_rules, room, server, state::ReadSide, sync,
};

/// Endpoints that are served, by ruma's names, area by area.
pub const SERVED: &[(&str, &[&str])] = &[
    ("sync", &["sync_events"]),
    ("server", server::SERVED),
    ("account", account::SERVED),
    ("account_data", account_data::SERVED),
    ("push_rules", push_rules::SERVED),
    ("e2ee", e2ee::SERVED),
    ("room", room::SERVED),
    ("directory", directory::SERVED),
    ("media", media::SERVED),
];

/// The routes of the read side, to be merged with others and dressed by `http_edge::dress`.
pub fn router(read: ReadSide) -> Router {
    Router::new()
        .route("/_matrix/client/r0/sync", get(sync::sync_events))
        .route("/_matrix/client/v3/sync", get(sync::sync_events))
        .merge(server::routes())
        .merge(account::routes())
        .merge(account_data::routes())
        .merge(push_rules::routes())
        .merge(e2ee::routes())
        .merge(room::routes())
        .merge(directory::routes())
        .merge(media::routes())
        .with_state(read)
}
