//! `GET /_matrix/client/v3/keys/changes`.

use axum::{Json, extract::State};
use facts::StreamId;
use http_edge::{Matrix, MatrixError};
use projections::Snapshot;
use ruma::api::client::keys::get_key_changes::v3::Request;
use serde_json::{Value, json};

use crate::{fault::ReadFault, state::ReadSide, sync::SyncToken};

/// Client-server API, `getKeysChanges`. What changed after `to` may be named as well, which the
/// specification allows; clients then ask for keys once more than they had to.
pub(crate) async fn get_key_changes(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let from = token(&request.from, "from")?;
    token(&request.to, "to")?;
    let user = identity.user_stream;
    Ok(Json(read.ask(move |snapshot| changes(snapshot, user, from)).await?))
}

fn token(text: &str, parameter: &str) -> Result<SyncToken, MatrixError> {
    text.parse().map_err(|_| {
        MatrixError::invalid_param(format!("{parameter} is no sync token of this server"))
    })
}

fn changes(snapshot: &Snapshot, user: StreamId, from: SyncToken) -> Result<Value, ReadFault> {
    from.of_this_log(snapshot)?;
    let moved = snapshot.moved_rooms_of(user, from.position)?;
    let moved: Vec<_> = moved.into_iter().map(|member| member.room).collect();
    let found = snapshot.device_list_changes(user, &moved, from.position)?;
    let mut lists = [Vec::new(), Vec::new()];
    for (names, users) in lists.iter_mut().zip([found.changed, found.left]) {
        for user in users {
            names.extend(snapshot.name(user)?);
        }
    }
    let [changed, left] = lists;
    Ok(json!({ "changed": changed, "left": left }))
}
