//! Proving again to be the owner of an account.
//!
//! Owns the flows for what a person does to one's account, and the check of the password. An
//! application service proves nothing again: it has no password, and its token says it all.

use commands::{
    audit::{FailedLogin, record_failed_login},
    user::{look, verify_password},
};
use decide::user::{
    UserRefusal,
    uia::{Purpose, Stage, account_flows},
};
use facts::fact::{LoginKind, LoginOutcome};
use http_edge::{MatrixError, Session, SessionKind};
use ruma::{OwnedUserId, UserId, api::error::ErrorCode};
use serde_json::Value;

use super::{Ask, AuthDict};
use crate::{WriteEndpoints, caller::Caller, errors::EndpointError};

/// Lets pass who has authenticated for this endpoint, and challenges everybody else.
pub(crate) async fn prove_owner(
    state: &WriteEndpoints,
    caller: &Caller,
    session: &Session,
    endpoint: &'static str,
    auth: Option<&AuthDict>,
) -> Result<(), EndpointError> {
    if session.kind == SessionKind::Appservice {
        return Ok(());
    }
    let has_password = look(&state.write_side, &session.user, |fold| {
        let account = fold.active_account().ok();
        account.is_some_and(|account| account.password_hash.is_some())
    });
    let flows = account_flows(has_password.await?, false);
    if flows.is_empty() {
        let refused = MatrixError::forbidden("This account has no password to authenticate with");
        return Err(refused.into());
    }
    let ask = Ask {
        purpose: Purpose::Account { endpoint, user_id: session.user.to_string() },
        flows,
        now: state.write_side.now(),
        new_session: state.random_word(),
    };
    let attempt = state.interactive.begin(&ask, auth)?;
    let passed = match attempt.stage {
        Stage::Password => is_password_of(state, caller, session, auth).await?,
        // None of these is in the flows above, so the attempt would not have begun.
        Stage::Dummy | Stage::RegistrationToken | Stage::Sso => false,
    };
    if !passed {
        let wrong = "Wrong user name or password";
        let failed = state.interactive.failed(&ask, &attempt, ErrorCode::Forbidden, wrong);
        return Err(failed.into());
    }
    state.interactive.passed(&ask, &attempt, None)?;
    Ok(())
}

async fn is_password_of(
    state: &WriteEndpoints,
    caller: &Caller,
    session: &Session,
    auth: Option<&AuthDict>,
) -> Result<bool, EndpointError> {
    let user = &session.user;
    let auth = auth.ok_or_else(MatrixError::internal)?;
    let Some(Value::String(password)) = auth.get("password") else {
        return Err(MatrixError::missing_param("The field password is missing").into());
    };
    caller.tries_login(user.as_str())?;
    // A session knows its user; naming one is optional, naming another is wrong.
    let named = identifier(auth).map(|named| user_of_identifier(state, named));
    if named.is_some_and(|named| named.as_ref() != Some(user)) {
        return Err(MatrixError::forbidden("The session is another user's").into());
    }
    let right = verify_password(&state.write_side, &state.passwords, user, password).await?;
    if !right {
        // Whoever holds a session guesses passwords here; a guess leaves a trace.
        let login = FailedLogin {
            name: user.as_str(),
            device: session.device.as_ref().map(|device| device.as_str()),
            address: caller.address(),
            kind: LoginKind::Confirmation,
            outcome: LoginOutcome::WrongPassword,
        };
        record_failed_login::<UserRefusal>(&state.write_side, login).await?;
    }
    Ok(right)
}

/// The user that `auth` names: `identifier` of type `m.id.user`, or `user` as it was before.
fn identifier(auth: &AuthDict) -> Option<&str> {
    let user = match auth.get("identifier") {
        Some(Value::Object(identifier)) => identifier.get("user"),
        _ => auth.get("user"),
    };
    user.map(|user| user.as_str().unwrap_or_default())
}

/// The account of a local name or full user id; `None` where it is none of this server. Accounts
/// are named in lower case, and people type as they like.
pub(crate) fn user_of_identifier(state: &WriteEndpoints, user: &str) -> Option<OwnedUserId> {
    let user = user.to_lowercase();
    let user = UserId::parse_with_server_name(user, state.server_name()).ok()?;
    state.is_ours(user.server_name()).then_some(user)
}
