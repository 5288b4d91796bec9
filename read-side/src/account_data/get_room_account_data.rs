//! `GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::config::get_room_account_data::v3::Request;
use serde_json::Value;

use super::{data_of_room, no_data};
use crate::{caller::only_own, state::ReadSide};

/// Client-server API, `getAccountDataPerRoom`.
pub(crate) async fn get_room_account_data(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    only_own(&identity, &request.user_id)?;
    let user = identity.user_stream;
    let data_type = request.event_type.to_string();
    let data = read.ask(move |snapshot| data_of_room(snapshot, user, &request.room_id, &data_type));
    data.await?.map(Json).ok_or_else(no_data)
}
