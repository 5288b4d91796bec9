//! `GET /_matrix/client/v1/mutual_rooms`.
//!
//! Owns the token: `m<number of rooms before>`.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::{Snapshot, query::StoreError};
use ruma::api::client::membership::get_mutual_rooms::v1::Request;
use serde_json::{Value, json};

use crate::{caller::Caller, state::ReadSide};

/// Rooms in one answer.
const PAGE: usize = 100;

/// Client-server API, `getMutualRooms`.
pub(crate) async fn get_mutual_rooms(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    if identity.user == request.user_id {
        return Err(MatrixError::invalid_param("You share all rooms with yourself"));
    }
    let skip = match request.from.as_deref() {
        None => 0,
        Some(from) => from
            .strip_prefix('m')
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| MatrixError::invalid_param("from is no token of this server"))?,
    };
    let caller = Caller::of(&read, &identity);
    let answer = read
        .ask(move |snapshot| Ok(mutual(snapshot, &caller, request.user_id.as_str(), skip)?))
        .await?;
    Ok(Json(answer))
}

fn mutual(
    snapshot: &Snapshot,
    caller: &Caller,
    other: &str,
    skip: usize,
) -> Result<Value, StoreError> {
    let rooms = match snapshot.user(other)? {
        Some(other) => snapshot.mutual_rooms(caller.user, other)?,
        None => Vec::new(),
    };
    let mut names = Vec::new();
    for room in rooms.iter().skip(skip).take(PAGE) {
        names.extend(snapshot.name(*room)?);
    }
    let mut answer = json!({ "joined": names, "count": rooms.len() });
    let reached = skip.saturating_add(PAGE);
    if let (true, Some(answer)) = (reached < rooms.len(), answer.as_object_mut()) {
        answer.insert("next_batch".to_owned(), Value::from(format!("m{reached}")));
    }
    Ok(answer)
}
