//! `GET /_matrix/client/v3/publicRooms`. Needs no token.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::{api::client::directory::get_public_rooms::v3::Request, directory::Filter};
use serde_json::Value;

use super::public_list::{Listing, public_list};
use crate::state::ReadSide;

/// Client-server API, `getPublicRooms`.
pub(crate) async fn get_public_rooms(
    State(read): State<ReadSide>,
    Matrix { request, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let listing = Listing {
        limit: request.limit,
        since: request.since,
        server: request.server,
        filter: Filter::default(),
    };
    public_list(&read, listing).await.map(Json)
}
