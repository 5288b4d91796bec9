//! `POST /_matrix/client/v3/publicRooms`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::{
    api::client::directory::get_public_rooms_filtered::v3::Request, directory::RoomNetwork,
};
use serde_json::{Value, json};

use super::public_list::{Listing, public_list};
use crate::state::ReadSide;

/// Client-server API, `queryPublicRooms`.
pub(crate) async fn get_public_rooms_filtered(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    if matches!(request.room_network, RoomNetwork::ThirdParty(_)) {
        // Rooms of bridged networks are listed by application services, of which none did.
        return Ok(Json(json!({ "chunk": [], "total_room_count_estimate": 0 })));
    }
    let listing = Listing {
        limit: request.limit,
        since: request.since,
        server: request.server,
        filter: request.filter,
    };
    public_list(&read, listing).await.map(Json)
}
