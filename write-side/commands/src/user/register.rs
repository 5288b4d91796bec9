//! Registering an account, alone or with a registration token.

use decide::{
    registration_token::{ServerFold, TokenRefusal, use_registration_token},
    user::{self as rules, Register, UserFold, UserRefusal},
};
use facts::{
    Batch, EntryHeader, ExpectedRevision, Fact, Routing, StreamId,
    fact::{AccountKind, StreamKind},
};
use ruma::{OwnedUserId, UserId};

use super::{
    LogInRequest, LoggedIn, PasswordError, Passwords, PersonFold, UserError,
    log_in::new_session,
    own_facts::{look, own_drafts},
};
use crate::{
    ActorGuard, AppendError, CommandError, DECIDE_TRIES_MAX, ViewWait, WriteSide,
    audit::{By, Trail},
};

/// An account to create.
#[derive(Clone, Copy, Debug)]
pub struct RegisterRequest<'a> {
    /// Full user id.
    pub user: &'a UserId,
    /// Who may use it.
    pub kind: AccountKind,
    /// Password; `None` for an account that logs in otherwise.
    pub password: Option<&'a str>,
    /// True for a server administrator; a registration token may say so too.
    pub admin: bool,
    /// First display name.
    pub display_name: Option<&'a str>,
    /// First session, unless `inhibit_login`; its `user` and `credential` are not looked at.
    pub log_in: Option<LogInRequest<'a>>,
    /// Hash of the registration token that is used up with it.
    pub registration_token: Option<[u8; 32]>,
    /// Another application service reserves the name.
    pub reserved: bool,
    /// Who makes it, for the audit trail.
    pub by: &'a By,
}

/// An account that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Full user id.
    pub user_id: OwnedUserId,
    /// The first session.
    pub session: Option<LoggedIn>,
}

/// Why no account was created.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The registration token is not valid.
    #[error("the registration token was refused")]
    Token(#[from] TokenRefusal),
    /// 429, 413 or 500, see the variants.
    #[error("the password was not hashed")]
    Password(#[from] PasswordError),
    /// As for every command.
    #[error("the command failed")]
    Command(#[from] UserError),
}

/// Whether the name could be registered now.
pub async fn is_available(ws: &WriteSide, user: &UserId, reserved: bool) -> Result<(), UserError> {
    rules::check_username(user, reserved).map_err(UserError::Refusal)?;
    if ws.user_stream(user)?.is_none() {
        return Ok(());
    }
    if look(ws, user, UserFold::is_given).await? {
        return Err(UserError::Refusal(UserRefusal::UserInUse));
    }
    Ok(())
}

/// Registers. The account, its line in the audit trail and the use of its registration token are
/// one batch: a token for one use never makes two accounts.
pub async fn register(
    ws: &WriteSide,
    passwords: &Passwords,
    request: RegisterRequest<'_>,
) -> Result<Registered, RegisterError> {
    is_available(ws, request.user, request.reserved).await?;
    let password_hash = match request.password {
        Some(password) => Some(passwords.hash(password, ws.random_bytes()).await?),
        None => None,
    };
    let user = request.user;
    let session = request.log_in.map(|log_in| new_session(ws, &LogInRequest { user, ..log_in }));
    let mut command = Register {
        kind: request.kind,
        admin: request.admin,
        password_hash,
        display_name: request.display_name.map(str::to_owned),
        log_in: session.as_ref().map(|session| session.command.clone()),
        reserved: request.reserved,
    };
    let headers = append(ws, &request, &mut command).await?;
    if let Some(last) = headers.last() {
        let settled = ws.core().settle(last.position, ViewWait::Bounded);
        settled.await.map_err(RegisterError::Command)?;
    }
    Ok(Registered { user_id: user.to_owned(), session: session.map(|session| session.reply) })
}

async fn append(
    ws: &WriteSide,
    request: &RegisterRequest<'_>,
    command: &mut Register,
) -> Result<Vec<EntryHeader>, RegisterError> {
    let (user, token) = (request.user, request.registration_token);
    let stream = ws.ensure_user::<UserRefusal>(user)?;
    let trail = Trail::about::<UserRefusal>(ws, user, stream, request.by)?;
    let server = match token {
        Some(_) => Some(server_stream(ws)?),
        None => None,
    };
    for _ in 0..DECIDE_TRIES_MAX {
        let (person, tokens) = lock(ws, stream, server).await?;
        let mut batch = Batch::default();
        if let (Some(hash), Some(tokens)) = (&token, &tokens) {
            let now = ws.now();
            let fact = use_registration_token(tokens.fold(), hash, now)?;
            let makes_admin = tokens.fold().valid(hash, now).is_some_and(|t| t.makes_admin);
            command.admin |= makes_admin;
            batch.drafts.push(
                fact.draft(Routing::server(tokens.stream()))
                    .expect("a token's fact has no personal part"),
            );
            let revision = ExpectedRevision::Exactly(tokens.revision());
            batch.expects.push((tokens.stream(), revision));
        }
        let facts: Vec<Fact> =
            rules::register(person.fold().user(), user, command).map_err(UserError::Refusal)?;
        batch.drafts.extend(own_drafts(stream, &facts));
        batch.drafts.extend(trail.drafts(&facts));
        let revision = ExpectedRevision::Exactly(person.revision());
        batch.expects.push((stream, revision));
        match ws.core().append(batch) {
            Err(AppendError::Moved) => {}
            Err(error) => return Err(UserError::from(error).into()),
            Ok(headers) => return Ok(headers),
        }
    }
    Err(UserError::busy().into())
}

pub(super) fn server_stream<R>(ws: &WriteSide) -> Result<StreamId, CommandError<R>> {
    let name = ws.identity().server_name.clone();
    ws.ensure_stream(StreamKind::Server, name.as_str())
}

/// Locks in order of the streams' numbers.
async fn lock(
    ws: &WriteSide,
    person: StreamId,
    server: Option<StreamId>,
) -> Result<(ActorGuard<PersonFold>, Option<ActorGuard<ServerFold>>), UserError> {
    let persons = ws.actors::<PersonFold>();
    let servers = ws.actors::<ServerFold>();
    match server {
        None => Ok((persons.lock(person).await?, None)),
        Some(server) if server < person => {
            let server = servers.lock(server).await?;
            Ok((persons.lock(person).await?, Some(server)))
        }
        Some(server) => {
            let person = persons.lock(person).await?;
            Ok((person, Some(servers.lock(server).await?)))
        }
    }
}
