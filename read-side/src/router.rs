//! The routes of the read side.

use axum::{Router, routing::get};

use crate::{state::ReadSide, sync::sync_events};

/// Every endpoint that only reads.
pub fn router(read: ReadSide) -> Router {
    Router::new()
        .route("/_matrix/client/v3/sync", get(sync_events))
        .route("/_matrix/client/r0/sync", get(sync_events))
        .with_state(read)
}
