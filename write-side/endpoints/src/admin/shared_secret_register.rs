//! `/_synapse/admin/v1/register`: accounts for whoever knows the configured secret.
//!
//! Owns Synapse's form of request and answer; the check is the command's. Many deployment tools
//! make their first accounts this way.

use axum::{Json, extract::State};
use commands::{
    audit::By,
    user::{
        Credential, LogInRequest, RegisterRequest, SharedSecretRegistration, SharedSecretRequest,
        register as register_account,
    },
};
use facts::fact::AccountKind;
use http_edge::{JsonBody, MatrixError};
use parking_lot::Mutex;
use ruma::UserId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    WriteEndpoints,
    caller::Caller,
    errors::{EndpointError, refused},
};

/// What Synapse's clients send.
#[derive(Deserialize)]
pub(crate) struct Wish {
    nonce: String,
    username: String,
    password: String,
    #[serde(default)]
    displayname: Option<String>,
    #[serde(default)]
    admin: bool,
    #[serde(default)]
    user_type: Option<String>,
    #[serde(default)]
    inhibit_login: bool,
    mac: String,
}

pub(crate) async fn nonce(
    State(state): State<WriteEndpoints>,
    caller: Caller,
) -> Result<Json<Value>, EndpointError> {
    caller.tries_registration()?;
    let random = state.write_side.random_bytes();
    let nonce = secret(&state)?.lock().nonce(random, state.write_side.now());
    Ok(Json(json!({ "nonce": nonce })))
}

pub(crate) async fn register(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    JsonBody(wish): JsonBody<Wish>,
) -> Result<Json<Value>, EndpointError> {
    caller.tries_registration()?;
    check(&state, &wish)?;
    let user =
        UserId::parse_with_server_name(wish.username.to_ascii_lowercase(), state.server_name())
            .ok()
            .filter(|user| state.is_ours(user.server_name()))
            .ok_or_else(|| MatrixError::invalid_username("This user name cannot be used"))?;
    let log_in = LogInRequest {
        user: &user,
        credential: Credential::Vetted,
        device_id: None,
        display_name: None,
        refresh: false,
        lifetimes: state.settings.token_lifetimes,
        address: caller.address(),
    };
    let registered = register_account(
        &state.write_side,
        &state.passwords,
        RegisterRequest {
            user: &user,
            kind: AccountKind::User,
            password: Some(&wish.password),
            admin: wish.admin,
            display_name: wish.displayname.as_deref(),
            log_in: (!wish.inhibit_login).then_some(log_in),
            registration_token: None,
            reserved: state.namespaces.reserves_user(&user, None),
            by: &By::shared_secret(caller.address()),
        },
    )
    .await?;
    let mut answer = json!({
        "user_id": registered.user_id,
        "home_server": state.server_name(),
    });
    if let Some(session) = registered.session {
        answer["access_token"] = session.access_token.into();
        answer["device_id"] = session.device_id.into();
    }
    Ok(Json(answer))
}

fn check(state: &WriteEndpoints, wish: &Wish) -> Result<(), EndpointError> {
    let request = SharedSecretRequest {
        nonce: &wish.nonce,
        username: &wish.username,
        password: &wish.password,
        admin: wish.admin,
        user_type: wish.user_type.as_deref(),
        mac: &wish.mac,
    };
    let checked = secret(state)?.lock().check(request, state.write_side.now());
    checked.map_err(|refusal| refused(&refusal))
}

/// The endpoint is registered only where there is a secret.
fn secret(state: &WriteEndpoints) -> Result<&Mutex<SharedSecretRegistration>, MatrixError> {
    let secret = state.shared_secret.as_ref();
    secret.ok_or_else(|| MatrixError::unrecognized("Unknown endpoint"))
}
