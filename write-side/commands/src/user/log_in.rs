//! Logging in.

use std::net::IpAddr;

use decide::user::{self as rules, LogIn, UserFold, UserRefusal};
use facts::{
    Draft, Fact, Routing, StreamId, Timestamp,
    fact::{LoginKind, LoginOutcome, Subject},
};
use ruma::{OwnedUserId, UserId};

use super::{
    PasswordError, Passwords, UserError,
    own_facts::{look, own_and},
    token::{TokenKind, new_token, token_hash},
};
use crate::{
    Done, ViewWait, WriteSide,
    audit::{FailedLogin, accepted_login, record_failed_login, trail_stream},
};

/// Characters of a device id that we make up.
const DEVICE_ID_CHARS: usize = 10;

/// How long tokens live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenLifetimes {
    /// Of an access token that can be refreshed, in milliseconds; `None` for ever.
    pub refreshable_access_ms: Option<u64>,
    /// Of an access token that cannot, in milliseconds; `None` for ever.
    pub plain_access_ms: Option<u64>,
}

/// How the person was recognized.
#[derive(Clone, Copy, Debug)]
pub enum Credential<'a> {
    /// A password, to be checked.
    Password(&'a str),
    /// Something that was checked already: a login token, single sign-on, an application service.
    Vetted,
}

impl Credential<'_> {
    fn kind(self) -> LoginKind {
        match self {
            Self::Password(_) => LoginKind::Password,
            Self::Vetted => LoginKind::Token,
        }
    }
}

/// A login.
#[derive(Clone, Copy, Debug)]
pub struct LogInRequest<'a> {
    /// Who.
    pub user: &'a UserId,
    /// How the person was recognized.
    pub credential: Credential<'a>,
    /// Device id of the client's choice.
    pub device_id: Option<&'a str>,
    /// Name of a new device.
    pub display_name: Option<&'a str>,
    /// The client can refresh.
    pub refresh: bool,
    /// How long tokens live.
    pub lifetimes: TokenLifetimes,
    /// Network address, where it is known.
    pub address: Option<IpAddr>,
}

/// A session; the only place where its tokens exist in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct LoggedIn {
    /// Who.
    pub user_id: OwnedUserId,
    /// Device id.
    pub device_id: String,
    /// Access token.
    pub access_token: String,
    /// Refresh token, if the client can refresh.
    pub refresh_token: Option<String>,
    /// When the access token ends, from now, in milliseconds.
    pub expires_in_ms: Option<u64>,
}

impl std::fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoggedIn")
            .field("user_id", &self.user_id)
            .field("device_id", &self.device_id)
            .finish_non_exhaustive()
    }
}

/// Why nobody was logged in, or a password was not set.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// 403 `M_FORBIDDEN`: no such account, or not its password. Which, is secret.
    #[error("wrong user id or password")]
    WrongCredential,
    /// 429, 413 or 500, see the variants.
    #[error("the password was not checked")]
    Password(#[from] PasswordError),
    /// As for every command.
    #[error("the command failed")]
    Command(#[from] UserError),
}

/// New tokens of a device and what the log shall know of them.
pub(super) struct NewSession {
    pub(super) reply: LoggedIn,
    pub(super) command: LogIn,
}

pub(super) fn new_session(ws: &WriteSide, request: &LogInRequest<'_>) -> NewSession {
    let user = request.user;
    let device_id = request.device_id.map_or_else(|| random_device_id(ws), str::to_owned);
    let access_token = new_token(TokenKind::Access, user, ws.random_bytes());
    let refresh_token =
        request.refresh.then(|| new_token(TokenKind::Refresh, user, ws.random_bytes()));
    let expires_in_ms = if request.refresh {
        request.lifetimes.refreshable_access_ms
    } else {
        request.lifetimes.plain_access_ms
    };
    let command = LogIn {
        device_id: device_id.clone(),
        display_name: request.display_name.map(str::to_owned),
        access_hash: token_hash(&access_token),
        access_expires_at: expires_in_ms.map(|ms| Timestamp(ws.now().0 + ms)),
        refresh_hash: refresh_token.as_deref().map(token_hash),
    };
    NewSession {
        reply: LoggedIn {
            user_id: user.to_owned(),
            device_id,
            access_token,
            refresh_token,
            expires_in_ms,
        },
        command,
    }
}

fn random_device_id(ws: &WriteSide) -> String {
    let bytes = ws.random_bytes::<DEVICE_ID_CHARS>();
    bytes.iter().map(|byte| char::from(b'A' + byte % 26)).collect()
}

/// Logs in. The password is checked without the lock; if it was changed meanwhile, the check does
/// not count. The session and its line in the audit trail are one batch; a login that fails is in
/// the trail before it is answered.
pub async fn log_in(
    ws: &WriteSide,
    passwords: &Passwords,
    request: LogInRequest<'_>,
) -> Result<LoggedIn, LogInError> {
    let checked = match request.credential {
        Credential::Password(password) => {
            match check_password(ws, passwords, request.user, password).await? {
                Ok(hash) => Some(hash),
                Err(outcome) => return Err(failed(ws, &request, outcome).await),
            }
        }
        Credential::Vetted => None,
    };
    let session = new_session(ws, &request);
    let decide = |fold: &UserFold| -> Result<(Vec<Fact>, bool), UserRefusal> {
        let account = fold.active_account()?;
        if checked.is_some() && account.password_hash != checked {
            return Ok((Vec::new(), false));
        }
        Ok((rules::log_in(fold, &session.command)?, true))
    };
    let (user, audit) = (request.user, trail_stream::<UserRefusal>(ws)?);
    let also = |facts: &[Fact], stream| accepted(facts, audit, stream, &session.reply, &request);
    match own_and(ws, user, ViewWait::Bounded, also, decide).await {
        Ok(Done { reply: true, .. }) => Ok(session.reply),
        Ok(_) => Err(failed(ws, &request, LoginOutcome::WrongPassword).await),
        Err(UserError::Refusal(refusal)) => {
            let outcome = match refusal {
                UserRefusal::Deactivated => LoginOutcome::Deactivated,
                UserRefusal::UnknownUser => LoginOutcome::UnknownUser,
                _ => LoginOutcome::Refused,
            };
            record(ws, &request, outcome).await?;
            Err(UserError::Refusal(refusal).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The line in the audit trail of a session that is opened.
fn accepted(
    facts: &[Fact],
    audit: StreamId,
    stream: StreamId,
    session: &LoggedIn,
    request: &LogInRequest<'_>,
) -> Vec<Draft> {
    if facts.is_empty() {
        return Vec::new();
    }
    let subject = Subject { name: session.user_id.to_string(), stream };
    let kind = request.credential.kind();
    let login = accepted_login(subject, &session.device_id, request.address, kind);
    let routing = Routing { actor: stream.into(), ..Routing::server(audit) };
    vec![login.draft(routing).expect("a fact of the audit trail has no personal part")]
}

/// Records a login that fails, and says how it is answered.
async fn failed(ws: &WriteSide, request: &LogInRequest<'_>, outcome: LoginOutcome) -> LogInError {
    if let Err(error) = record(ws, request, outcome).await {
        return error.into();
    }
    match outcome {
        // The hash is gone with the deactivation, so no password can be right any more; the
        // client-server API gives this answer a code of its own.
        LoginOutcome::Deactivated => UserError::Refusal(UserRefusal::Deactivated).into(),
        _ => LogInError::WrongCredential,
    }
}

async fn record(
    ws: &WriteSide,
    request: &LogInRequest<'_>,
    outcome: LoginOutcome,
) -> Result<(), UserError> {
    let login = FailedLogin {
        name: request.user.as_str(),
        device: request.device_id,
        address: request.address,
        kind: request.credential.kind(),
        outcome,
    };
    record_failed_login(ws, login).await?;
    Ok(())
}

/// The hash that the password was checked against, or why it was not right.
async fn check_password(
    ws: &WriteSide,
    passwords: &Passwords,
    user: &UserId,
    password: &str,
) -> Result<Result<String, LoginOutcome>, LogInError> {
    let account = match ws.user_stream(user).map_err(UserError::from)? {
        Some(_) => look(ws, user, |fold| fold.account.clone()).await?,
        None => None,
    };
    let outcome = match &account {
        Some(account) if account.deactivated => LoginOutcome::Deactivated,
        Some(_) => LoginOutcome::WrongPassword,
        None => LoginOutcome::UnknownUser,
    };
    let hash = account.and_then(|account| account.password_hash);
    let right = passwords.verify(password, hash.as_deref()).await?;
    Ok(hash.filter(|_| right).ok_or(outcome))
}
