//! `PUT /profile/{userId}/{keyName}`.

use axum::extract::State;
use commands::user;
use http_edge::{Matrix, Session};
use ruma::{
    UserId,
    api::client::profile::set_profile_field::v3::{Request, Response},
};
use serde_json::Value;

use super::propagate::propagate;
use crate::{Answer, WriteEndpoints, answer, errors::EndpointError, own::require_own};

pub(crate) async fn set_profile_field(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let field = request.value.field_name();
    let value = request.value.value();
    let owner = &request.user_id;
    set_own_field(&state, &identity, owner, field.as_str(), Some(&value)).await?;
    answer(Response::new())
}

/// Sets a field of one's own profile, or removes it with `None`, and tells the rooms.
pub(super) async fn set_own_field(
    state: &WriteEndpoints,
    session: &Session,
    owner: &UserId,
    field: &str,
    value: Option<&Value>,
) -> Result<(), EndpointError> {
    require_own(session, owner)?;
    user::set_profile_field(&state.write_side, &session.user, field, value).await?;
    propagate(state, &session.user, field).await
}
