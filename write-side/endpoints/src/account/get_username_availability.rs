//! `GET /register/available`.
//!
//! Stands on the write side, for only the fold knows of an account the moment it is made.

use axum::extract::State;
use commands::user::is_available;
use http_edge::{Matrix, MatrixError};
use ruma::{
    UserId,
    api::client::account::get_username_availability::v3::{Request, Response},
};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn get_username_availability(
    State(state): State<WriteEndpoints>,
    Matrix { request, .. }: Matrix<Request>,
) -> Answer<Response> {
    let user = UserId::parse_with_server_name(request.username, state.server_name())
        .ok()
        .filter(|user| state.is_ours(user.server_name()))
        .ok_or_else(|| MatrixError::invalid_username("This user name cannot be used"))?;
    let reserved = state.namespaces.reserves_user(&user, None);
    is_available(&state.write_side, &user, reserved).await?;
    answer(Response::new(true))
}
