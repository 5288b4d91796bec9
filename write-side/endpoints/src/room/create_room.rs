//! `POST /createRoom`.
//!
//! Owns the step from ruma's request to the wish. The room, its alias and the invites of this
//! server's users are one batch; users of other servers are invited after it.

use std::collections::BTreeMap;

use axum::extract::State;
use commands::room::{MemberDetails, create_room as create};
use decide::room::{CREATE_EVENTS_MAX, CreateRoom, Preset};
use http_edge::{Matrix, MatrixError, Session};
use ruma::{
    CanonicalJsonObject, OwnedRoomAliasId, OwnedUserId, RoomAliasId, RoomId,
    api::client::room::{
        Visibility,
        create_room::v3::{Request, Response, RoomPreset},
    },
    events::AnyInitialStateEvent,
    serde::Raw,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    Answer, RemoteMembership, WriteEndpoints, answer, content::content, errors::EndpointError,
    membership::member_profile,
};

pub(crate) async fn create_room(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let alias = request.room_alias_name.as_deref();
    let alias = alias.map(|name| alias_of(&state, name)).transpose()?;
    let is_direct = request.is_direct;
    let (ours, theirs): (Vec<_>, Vec<_>) = request
        .invite
        .iter()
        .cloned()
        .partition(|user: &OwnedUserId| state.is_ours(user.server_name()));
    let mut wish = wish(&state, &identity, request).await?;
    wish.invite_profiles = profiles(&state, &ours).await?;
    wish.invite = ours;
    let reserved =
        alias.as_ref().is_some_and(|alias| state.namespaces.reserves_alias(alias, Some(&identity)));
    wish.alias = alias;
    let room = create(&state.write_side, &wish, reserved).await?;
    invite_theirs(&state, &identity.user, &room, theirs, is_direct).await;
    answer(Response::new(room))
}

/// The alias of a local name.
fn alias_of(state: &WriteEndpoints, local_name: &str) -> Result<OwnedRoomAliasId, MatrixError> {
    Some(format!("#{local_name}:{}", state.server_name()))
        .filter(|_| !local_name.is_empty() && !local_name.contains(':'))
        .and_then(|alias| RoomAliasId::parse(alias).ok())
        .ok_or_else(|| MatrixError::invalid_param("This name cannot be that of a room alias"))
}

async fn wish(
    state: &WriteEndpoints,
    session: &Session,
    request: Request,
) -> Result<CreateRoom, EndpointError> {
    let version =
        request.room_version.unwrap_or_else(|| state.settings.default_room_version.clone());
    let mut wish = CreateRoom::new(session.user.clone(), version);
    wish.creation_content = given(request.creation_content.as_ref())?;
    wish.power_level_content_override = given(request.power_level_content_override.as_ref())?;
    wish.preset = request.preset.as_ref().map(preset).transpose()?;
    wish.is_public = match request.visibility {
        Visibility::Public => true,
        Visibility::Private => false,
        _ => return Err(MatrixError::invalid_param("Unknown visibility").into()),
    };
    wish.initial_state =
        request.initial_state.iter().map(initial_state).collect::<Result<_, _>>()?;
    wish.name = request.name;
    wish.topic = request.topic;
    wish.has_invite_3pid = !request.invite_3pid.is_empty();
    wish.is_direct = request.is_direct;
    wish.creator_profile = member_profile(state, &session.user).await?;
    Ok(wish)
}

/// What the member events of invited users of this server carry. More of them than a room is
/// created with are refused anyway.
async fn profiles(
    state: &WriteEndpoints,
    users: &[OwnedUserId],
) -> Result<BTreeMap<OwnedUserId, CanonicalJsonObject>, EndpointError> {
    let mut profiles = BTreeMap::new();
    for user in users.iter().take(CREATE_EVENTS_MAX) {
        profiles.insert(user.clone(), member_profile(state, user).await?);
    }
    Ok(profiles)
}

fn given<T>(raw: Option<&Raw<T>>) -> Result<CanonicalJsonObject, EndpointError> {
    raw.map_or_else(|| Ok(CanonicalJsonObject::new()), content)
}

fn preset(preset: &RoomPreset) -> Result<Preset, MatrixError> {
    match preset {
        RoomPreset::PrivateChat => Ok(Preset::PrivateChat),
        RoomPreset::PublicChat => Ok(Preset::PublicChat),
        RoomPreset::TrustedPrivateChat => Ok(Preset::TrustedPrivateChat),
        _ => Err(MatrixError::invalid_param("Unknown preset")),
    }
}

#[derive(Deserialize)]
struct InitialState {
    #[serde(rename = "type")]
    event_type: String,
    #[serde(default)]
    state_key: String,
    content: Box<RawValue>,
}

fn initial_state(
    raw: &Raw<AnyInitialStateEvent>,
) -> Result<(String, String, CanonicalJsonObject), EndpointError> {
    let event: InitialState = serde_json::from_str(raw.json().get())
        .map_err(|_| MatrixError::bad_json("An event of initial_state has a wrong shape"))?;
    let content = content(&Raw::<()>::from_json(event.content))?;
    Ok((event.event_type, event.state_key, content))
}

/// The room exists whatever becomes of these: whoever cannot be invited can be invited again.
async fn invite_theirs(
    state: &WriteEndpoints,
    sender: &OwnedUserId,
    room: &RoomId,
    targets: Vec<OwnedUserId>,
    is_direct: bool,
) {
    for target in targets {
        let wish = RemoteMembership {
            room: room.to_owned(),
            sender: sender.clone(),
            via: vec![target.server_name().to_owned()],
            target,
            details: MemberDetails { is_direct, ..MemberDetails::default() },
        };
        if let Err(error) = state.remote.invite(wish).await {
            tracing::info!(%error, %room, "a user of another server was not invited");
        }
    }
}
