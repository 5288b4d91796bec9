//! `GET /register/m.login.registration_token/validity`.

use axum::extract::State;
use commands::user::is_valid_registration_token;
use decide::user::uia::RegistrationMode;
use http_edge::{Matrix, MatrixError};
use ruma::api::client::account::check_registration_token_validity::v1::{Request, Response};

use crate::{Answer, WriteEndpoints, answer, caller::Caller};

pub(crate) async fn check_registration_token_validity(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Matrix { request, .. }: Matrix<Request>,
) -> Answer<Response> {
    // As a registration: otherwise tokens could be guessed here instead.
    caller.tries_registration()?;
    if state.settings.registration == RegistrationMode::Closed {
        return Err(MatrixError::forbidden("Registration is closed").into());
    }
    let valid = is_valid_registration_token(&state.write_side, &request.token).await?;
    answer(Response::new(valid))
}
