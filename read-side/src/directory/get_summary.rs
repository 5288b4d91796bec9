//! `GET /_matrix/client/v1/room_summary/{roomIdOrAlias}`. A token is optional.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::Snapshot;
use ruma::{OwnedRoomOrAliasId, api::client::room::get_summary::v1::Request};
use serde_json::Value;

use crate::{caller::Caller, fault::ReadFault, room_digest::room_digest, state::ReadSide};

/// Client-server API, `getRoomSummary`, for rooms that this server is in.
pub(crate) async fn get_summary(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    if let Some(session) = &identity {
        session.refuse_guest()?;
    }
    let caller = identity.map(|session| Caller::of(&read, &session));
    let room = request.room_id_or_alias;
    Ok(Json(read.ask(move |snapshot| summary(snapshot, &room, caller.as_ref())).await?))
}

fn summary(
    snapshot: &Snapshot,
    room: &OwnedRoomOrAliasId,
    caller: Option<&Caller>,
) -> Result<Value, ReadFault> {
    let absent = || MatrixError::not_found("There is no such room, or it is not open to you");
    let room_id = if room.is_room_alias_id() {
        snapshot.alias(room.as_str())?.ok_or_else(absent)?.0
    } else {
        room.to_string()
    };
    let stream = snapshot.room(&room_id)?.ok_or_else(absent)?;
    let digest = room_digest(snapshot, stream)?.ok_or_else(absent)?;
    let shown = match caller {
        Some(caller) => digest.is_shown_to(snapshot, caller.user)?,
        None => digest.is_open(),
    };
    if !shown {
        return Err(absent().into());
    }
    let mut json = digest.summary_json();
    if let Some(caller) = caller {
        let member = snapshot.membership(caller.user, stream)?;
        let membership = member.map_or("leave", |member| member.membership.as_str());
        json.insert("membership".to_owned(), Value::from(membership));
    }
    Ok(Value::Object(json))
}
