//! Endpoints about what a user stores: account data, tags, filters.

mod get_filter;
mod get_global_account_data;
mod get_room_account_data;
mod get_tags;

use axum::Router;
use http_edge::{MatrixError, endpoint};

use crate::state::ReadSide;

pub(crate) const SERVED: &[&str] =
    &["get_global_account_data", "get_room_account_data", "get_tags", "get_filter"];

pub(crate) fn routes() -> Router<ReadSide> {
    Router::new()
        .merge(endpoint(get_global_account_data::get_global_account_data))
        .merge(endpoint(get_room_account_data::get_room_account_data))
        .merge(endpoint(get_tags::get_tags))
        .merge(endpoint(get_filter::get_filter))
}

fn no_data() -> MatrixError {
    MatrixError::not_found("There is no account data of this type")
}
