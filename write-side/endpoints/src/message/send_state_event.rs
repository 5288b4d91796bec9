//! `PUT /rooms/{roomId}/state/{eventType}/{stateKey}`.
//!
//! Owns what certain types need besides the room's rules: a change of membership passes the same
//! gates as the endpoints made for it, and aliases in `m.room.canonical_alias` must be true.

use axum::extract::State;
use commands::{
    Wish,
    alias::resolve_alias,
    room::{check_invite, current_content, send_event},
};
use decide::room::NewEvent;
use http::StatusCode;
use http_edge::{Matrix, MatrixError};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, RoomAliasId, RoomId, UserId,
    api::{
        client::state::send_state_event::v3::{Request, Response},
        error::ErrorCode,
    },
    events::{StateEventType, TimelineEventType},
};

use crate::{
    Answer, WriteEndpoints, answer,
    content::{content, given_time},
    errors::EndpointError,
    membership::member_profile,
};

/// Aliases of one event that are looked up, at most.
const ALIASES_MAX: usize = 100;

pub(crate) async fn send_state_event(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let mut content = content(&request.body)?;
    let room = &request.room_id;
    match request.event_type {
        StateEventType::RoomMember => {
            let target = target(&request.state_key)?;
            check_membership(&state, room, &identity.user, target, &content).await?;
            fill_profile(&state, target, &mut content).await?;
        }
        StateEventType::RoomCanonicalAlias => check_aliases(&state, room, &content).await?,
        _ => {}
    }
    let event_type = TimelineEventType::from(request.event_type.to_string());
    let mut event = NewEvent::state(identity.user.clone(), event_type, request.state_key, content);
    event.origin_server_ts = given_time(&identity, request.timestamp);
    let sent = send_event(&state.write_side, room, event).await?;
    answer(Response::new(sent.event_id))
}

fn target(state_key: &str) -> Result<&UserId, MatrixError> {
    <&UserId>::try_from(state_key)
        .map_err(|_| MatrixError::bad_json("The state key must be a user ID"))
}

/// Whoever becomes a member of a kind has a name there, as by the endpoints for memberships; what
/// the client says itself stands.
async fn fill_profile(
    state: &WriteEndpoints,
    target: &UserId,
    content: &mut CanonicalJsonObject,
) -> Result<(), EndpointError> {
    if !matches!(text(content, "membership"), Some("join" | "invite" | "knock")) {
        return Ok(());
    }
    for (field, value) in member_profile(state, target).await? {
        content.entry(field).or_insert(value);
    }
    Ok(())
}

async fn check_membership(
    state: &WriteEndpoints,
    room: &RoomId,
    sender: &UserId,
    target: &UserId,
    content: &CanonicalJsonObject,
) -> Result<(), EndpointError> {
    let wish = match text(content, "membership") {
        Some("invite") if !state.is_ours(target.server_name()) => {
            // Their server signs the invite first, which this endpoint has no place for.
            let refused = MatrixError::forbidden("Use the endpoint for invites");
            return Err(refused.into());
        }
        Some("invite") => {
            check_invite(&state.write_side, target).await?;
            Wish::Invite { sender, target, room }
        }
        Some("join") => Wish::Join { user: target, room },
        Some("knock") => Wish::Knock { user: target, room },
        _ => return Ok(()),
    };
    state.write_side.ask_gate::<commands::room::RoomCommandRefusal>(wish).await?;
    Ok(())
}

/// Every alias that is new in the event must point to this room; those that stand there already
/// are let be.
async fn check_aliases(
    state: &WriteEndpoints,
    room: &RoomId,
    content: &CanonicalJsonObject,
) -> Result<(), EndpointError> {
    let alternatives = match content.get("alt_aliases") {
        None => &[][..],
        Some(CanonicalJsonValue::Array(aliases)) => aliases,
        Some(_) => return Err(MatrixError::bad_json("alt_aliases must be an array").into()),
    };
    if alternatives.len() > ALIASES_MAX {
        return Err(MatrixError::invalid_param("There are too many aliases").into());
    }
    let main = content.get("alias").filter(|alias| **alias != CanonicalJsonValue::Null);
    let known = current_aliases(state, room).await?;
    let new = main.into_iter().chain(alternatives).filter(|alias| !known.contains(alias));
    for alias in new {
        let alias = alias
            .as_str()
            .and_then(|alias| <&RoomAliasId>::try_from(alias).ok())
            .ok_or_else(|| MatrixError::invalid_param("An alias is malformed"))?;
        if !points_to(state, alias, room).await? {
            let refused = MatrixError::new(
                StatusCode::BAD_REQUEST,
                ErrorCode::BadAlias,
                "An alias does not point to this room",
            );
            return Err(refused.into());
        }
    }
    Ok(())
}

/// The aliases that the room's event names now.
async fn current_aliases(
    state: &WriteEndpoints,
    room: &RoomId,
) -> Result<Vec<CanonicalJsonValue>, EndpointError> {
    let content = current_content(&state.write_side, room, "m.room.canonical_alias").await?;
    let mut known: Vec<_> = content.get("alias").cloned().into_iter().collect();
    if let Some(CanonicalJsonValue::Array(others)) = content.get("alt_aliases") {
        known.extend(others.iter().cloned());
    }
    Ok(known)
}

async fn points_to(
    state: &WriteEndpoints,
    alias: &RoomAliasId,
    room: &RoomId,
) -> Result<bool, EndpointError> {
    if state.is_ours(alias.server_name()) {
        let target = resolve_alias(&state.write_side, alias).await?;
        return Ok(target.is_some_and(|target| target.room == room.as_str()));
    }
    let target = state.remote.resolve_alias(alias).await?;
    Ok(target.is_some_and(|target| target.room == room))
}

fn text<'a>(content: &'a CanonicalJsonObject, key: &str) -> Option<&'a str> {
    content.get(key).and_then(CanonicalJsonValue::as_str)
}
