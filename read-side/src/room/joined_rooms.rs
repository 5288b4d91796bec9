//! `GET /_matrix/client/v3/joined_rooms`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use ruma::api::client::membership::joined_rooms::v3::Request;
use serde_json::{Value, json};

use crate::state::ReadSide;

/// Client-server API, `getJoinedRooms`.
pub(crate) async fn joined_rooms(
    State(read): State<ReadSide>,
    Matrix { identity, .. }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let user = identity.user_stream;
    let names = read
        .ask(move |snapshot| {
            let mut names = Vec::new();
            for room in snapshot.joined_rooms(user)? {
                names.extend(snapshot.name(room)?);
            }
            Ok(names)
        })
        .await?;
    Ok(Json(json!({ "joined_rooms": names })))
}
