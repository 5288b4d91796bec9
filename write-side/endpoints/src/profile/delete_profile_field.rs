//! `DELETE /profile/{userId}/{keyName}`.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use http_edge::{Auth, Matrix, MatrixError, Session};
use ruma::{
    UserId,
    api::client::profile::delete_profile_field::v3::{Request, Response},
};
use serde_json::{Value, json};

use super::set_profile_field::set_own_field;
use crate::{Answer, WriteEndpoints, answer, errors::EndpointError};

pub(crate) async fn delete_profile_field(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let field = request.field.as_str();
    set_own_field(&state, &identity, &request.user_id, field, None).await?;
    answer(Response::new())
}

pub(crate) async fn delete_display_name(
    State(state): State<WriteEndpoints>,
    Auth(session): Auth,
    owner: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, EndpointError> {
    delete_named(&state, &session, owner, "displayname").await
}

pub(crate) async fn delete_avatar_url(
    State(state): State<WriteEndpoints>,
    Auth(session): Auth,
    owner: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, EndpointError> {
    delete_named(&state, &session, owner, "avatar_url").await
}

/// Deletes a field whose name is no variable of the path, which ruma's type cannot read.
async fn delete_named(
    state: &WriteEndpoints,
    session: &Session,
    owner: Result<Path<String>, PathRejection>,
    field: &str,
) -> Result<Json<Value>, EndpointError> {
    let owner = owner
        .ok()
        .and_then(|Path(owner)| UserId::parse(owner).ok())
        .ok_or_else(|| MatrixError::invalid_param("The path names no user ID"))?;
    set_own_field(state, session, &owner, field, None).await?;
    Ok(Json(json!({})))
}
