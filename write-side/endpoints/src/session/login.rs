//! `POST /login`.

use std::time::Duration;

use axum::extract::State;
use commands::{
    audit::{FailedLogin, record_failed_login},
    user::{Credential, LogInRequest, LoggedIn, log_in},
};
use decide::user::UserRefusal;
use facts::fact::{LoginKind, LoginOutcome};
use http_edge::{Matrix, MatrixError};
use ruma::api::{
    client::{
        session::login::v3::{
            DiscoveryInfo, HomeserverInfo, LoginInfo, Password, Request, Response,
        },
        uiaa::UserIdentifier,
    },
    error::ErrorCode,
};

use crate::{Answer, WriteEndpoints, answer, caller::Caller, interactive::user_of_identifier};

pub(crate) async fn login(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Matrix { request, .. }: Matrix<Request>,
) -> Answer<Response> {
    let password = match &request.login_info {
        LoginInfo::Password(password) => password,
        LoginInfo::ApplicationService(_) => {
            let unsupported = MatrixError::new(
                http::StatusCode::BAD_REQUEST,
                ErrorCode::from("M_APPSERVICE_LOGIN_UNSUPPORTED"),
                "Application services use their own token here",
            );
            return Err(unsupported.into());
        }
        _ => return Err(MatrixError::bad_request("Unknown login type").into()),
    };
    let name = name_in(password)?;
    let user = user_of_identifier(&state, name);
    caller.tries_login(user.as_ref().map_or(name, |user| user.as_str()))?;
    let Some(user) = user else {
        // Nobody of another server has an account here; which names do is secret all the same.
        let device = request.device_id.as_ref().map(|device| device.as_str());
        let (kind, outcome) = (LoginKind::Password, LoginOutcome::UnknownUser);
        let address = caller.address();
        let login = FailedLogin { name, device, address, kind, outcome };
        record_failed_login::<UserRefusal>(&state.write_side, login).await?;
        return Err(MatrixError::forbidden("Wrong user name or password").into());
    };
    let session = log_in(
        &state.write_side,
        &state.passwords,
        LogInRequest {
            user: &user,
            credential: Credential::Password(&password.password),
            device_id: request.device_id.as_ref().map(|device| device.as_str()),
            display_name: request.initial_device_display_name.as_deref(),
            refresh: request.refresh_token,
            lifetimes: state.settings.token_lifetimes,
            address: caller.address(),
        },
    )
    .await?;
    answer(response(&state, session))
}

/// The name in the identifier, or in the field `user` as it was before Matrix 1.0.
fn name_in(password: &Password) -> Result<&str, MatrixError> {
    match (&password.identifier, old_user(password)) {
        (Some(UserIdentifier::Matrix(identifier)), _) => Ok(&identifier.user),
        // Mail addresses and phone numbers belong to nobody here.
        (Some(_), _) => Err(MatrixError::forbidden("Wrong user name or password")),
        (None, Some(user)) => Ok(user),
        (None, None) => Err(MatrixError::missing_param("The field identifier is missing")),
    }
}

#[expect(deprecated, reason = "clients still send it")]
fn old_user(password: &Password) -> Option<&str> {
    password.user.as_deref()
}

fn response(state: &WriteEndpoints, session: LoggedIn) -> Response {
    let mut response =
        Response::new(session.user_id, session.access_token, session.device_id.into());
    response.refresh_token = session.refresh_token;
    response.expires_in = session.expires_in_ms.map(Duration::from_millis);
    let base_url = state.settings.public_base_url.clone();
    response.well_known = base_url.map(|url| DiscoveryInfo::new(HomeserverInfo::new(url)));
    response
}
