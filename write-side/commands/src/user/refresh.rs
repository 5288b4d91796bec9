//! Refreshing a session.

use decide::user::{self as rules, Refresh, UserRefusal};
use facts::Timestamp;
use ruma::UserId;

use super::{
    LoggedIn, TokenLifetimes, UserError,
    own_facts::own_with,
    token::{TokenKind, new_token, token_hash, token_owner},
};
use crate::{ViewWait, WriteSide};

/// Gives new tokens for a refresh token.
pub async fn refresh(
    ws: &WriteSide,
    refresh_token: &str,
    lifetimes: TokenLifetimes,
) -> Result<LoggedIn, UserError> {
    let unknown = || UserError::Refusal(UserRefusal::UnknownToken);
    let owner = token_owner(TokenKind::Refresh, refresh_token).ok_or_else(unknown)?;
    let server_name = &ws.identity().server_name;
    let user = UserId::parse(format!("@{owner}:{server_name}")).map_err(|_| unknown())?;
    if ws.user_stream(&user)?.is_none() {
        return Err(unknown());
    }
    let access_token = new_token(TokenKind::Access, &user, ws.random_bytes());
    let new_refresh = new_token(TokenKind::Refresh, &user, ws.random_bytes());
    let expires_in_ms = lifetimes.refreshable_access_ms;
    let command = Refresh {
        used_refresh_hash: token_hash(refresh_token),
        access_hash: token_hash(&access_token),
        access_expires_at: expires_in_ms.map(|ms| Timestamp(ws.now().0 + ms)),
        refresh_hash: token_hash(&new_refresh),
    };
    let done = own_with(ws, &user, ViewWait::Bounded, |fold| {
        let facts = rules::refresh_session(fold, &command)?;
        let device_id = match facts.as_slice() {
            [facts::Fact::SessionRefreshed(refreshed)] => refreshed.device_id.clone(),
            _ => return Err(UserRefusal::UnknownToken),
        };
        Ok((facts, device_id))
    });
    Ok(LoggedIn {
        device_id: done.await?.reply,
        user_id: user,
        access_token,
        refresh_token: Some(new_refresh),
        expires_in_ms,
    })
}
