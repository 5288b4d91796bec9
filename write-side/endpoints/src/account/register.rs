//! `POST /register`.
//!
//! Owns which flows a registration has and what the name becomes. The account and the use of its
//! token are one batch of the command; the stage only looks whether the token is good.

use axum::extract::State;
use commands::{
    audit::By,
    user::{
        Credential, LogInRequest, RegisterRequest, Registered, is_available,
        is_valid_registration_token, register as register_account, token_hash,
    },
};
use decide::user::uia::{Purpose, RegistrationMode, Stage, register_flows};
use facts::fact::AccountKind;
use http_edge::{AppserviceClaim, MatrixError, MatrixResponse, Session};
use ruma::{
    OwnedUserId, UserId,
    api::{
        client::account::register::{
            LoginType, RegistrationKind,
            v3::{Request, Response},
        },
        error::ErrorCode,
    },
};

use crate::{
    Answer, WriteEndpoints,
    caller::Caller,
    errors::EndpointError,
    interactive::{Ask, AuthDict, Interactive},
};

pub(crate) async fn register(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Interactive { request, identity, auth }: Interactive<Request>,
) -> Answer<Response> {
    if request.login_type == Some(LoginType::ApplicationService) {
        return register_appservice_user(&state, &caller, &request, identity).await;
    }
    caller.tries_registration()?;
    if request.kind == RegistrationKind::Guest {
        return Err(MatrixError::guest_access_forbidden().into());
    }
    if state.settings.registration == RegistrationMode::Closed {
        return Err(MatrixError::forbidden("Registration is closed").into());
    }
    let user = wished_user(&state, request.username.as_deref())?;
    let reserved = state.namespaces.reserves_user(&user, None);
    is_available(&state.write_side, &user, reserved).await?;
    if request.password.as_deref() == Some("") {
        return Err(MatrixError::weak_password("The password is empty").into());
    }
    let registration_token = pass_stages(&state, auth.as_ref()).await?;
    let registered = register_account(
        &state.write_side,
        &state.passwords,
        RegisterRequest {
            user: &user,
            kind: AccountKind::User,
            password: request.password.as_deref(),
            admin: false,
            display_name: None,
            log_in: log_in(&state, &caller, &user, &request),
            registration_token,
            reserved,
            by: &By::user(&user, caller.address()),
        },
    )
    .await?;
    Ok(MatrixResponse(response(registered)))
}

/// An account in an application service's namespace: its token stands for all stages
/// (application service API, "Server admin style permissions").
async fn register_appservice_user(
    state: &WriteEndpoints,
    caller: &Caller,
    request: &Request,
    claim: AppserviceClaim,
) -> Answer<Response> {
    let session: Session = match claim {
        AppserviceClaim::Appservice(session) => session,
        AppserviceClaim::None => return Err(MatrixError::missing_token().into()),
        AppserviceClaim::Other => return Err(MatrixError::unknown_token(false).into()),
    };
    let name = request
        .username
        .as_deref()
        .ok_or_else(|| MatrixError::missing_param("The field username is missing"))?;
    let user = wished_user(state, Some(name))?;
    let reserved = !state.namespaces.owns_user(&user, &session)
        || state.namespaces.reserves_user(&user, Some(&session));
    let registered = register_account(
        &state.write_side,
        &state.passwords,
        RegisterRequest {
            user: &user,
            kind: AccountKind::Appservice,
            password: None,
            admin: false,
            display_name: None,
            log_in: log_in(state, caller, &user, request),
            registration_token: None,
            reserved,
            by: &By::user(&session.user, caller.address()),
        },
    )
    .await?;
    Ok(MatrixResponse(response(registered)))
}

/// The hash of the registration token, if one was shown.
async fn pass_stages(
    state: &WriteEndpoints,
    auth: Option<&AuthDict>,
) -> Result<Option<[u8; 32]>, EndpointError> {
    let ask = Ask {
        purpose: Purpose::Register,
        flows: register_flows(state.settings.registration),
        now: state.write_side.now(),
        new_session: state.random_word(),
    };
    let attempt = state.interactive.begin(&ask, auth)?;
    let token = match attempt.stage {
        Stage::RegistrationToken => {
            let token = auth.and_then(|auth| auth.get("token")?.as_str());
            let token =
                token.ok_or_else(|| MatrixError::missing_param("The field token is missing"))?;
            if !is_valid_registration_token(&state.write_side, token).await? {
                let code = ErrorCode::Unauthorized;
                let wrong = "The registration token is not valid";
                let failed = state.interactive.failed(&ask, &attempt, code, wrong);
                return Err(failed.into());
            }
            Some(token_hash(token))
        }
        Stage::Dummy => None,
        // Neither is in a flow of a registration, so the attempt would not have begun.
        Stage::Password | Stage::Sso => return Err(MatrixError::internal().into()),
    };
    let done = state.interactive.passed(&ask, &attempt, token)?;
    Ok(done.registration_token)
}

/// The account's user id. Capitals become small ones; without a name it is made up.
fn wished_user(state: &WriteEndpoints, name: Option<&str>) -> Result<OwnedUserId, EndpointError> {
    let name = match name {
        Some(name) => name.to_ascii_lowercase(),
        None => random_name(state),
    };
    let user = UserId::parse_with_server_name(name, state.server_name())
        .ok()
        .filter(|user| state.is_ours(user.server_name()))
        .ok_or_else(|| MatrixError::invalid_username("This user name cannot be used"))?;
    Ok(user)
}

fn random_name(state: &WriteEndpoints) -> String {
    let bytes = state.write_side.random_bytes::<12>();
    bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}

fn log_in<'a>(
    state: &WriteEndpoints,
    caller: &Caller,
    user: &'a UserId,
    request: &'a Request,
) -> Option<LogInRequest<'a>> {
    (!request.inhibit_login).then(|| LogInRequest {
        user,
        credential: Credential::Vetted,
        device_id: request.device_id.as_ref().map(|device| device.as_str()),
        display_name: request.initial_device_display_name.as_deref(),
        refresh: request.refresh_token,
        lifetimes: state.settings.token_lifetimes,
        address: caller.address(),
    })
}

fn response(registered: Registered) -> Response {
    let mut response = Response::new(registered.user_id);
    if let Some(session) = registered.session {
        response.access_token = Some(session.access_token);
        response.device_id = Some(session.device_id.into());
        response.refresh_token = session.refresh_token;
        response.expires_in = session.expires_in_ms.map(std::time::Duration::from_millis);
    }
    response
}
