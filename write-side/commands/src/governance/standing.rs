//! What an account is, as far as a role is concerned.

use decide::governance::AccountStanding;
use ruma::UserId;

use super::GovernanceError;
use crate::{WriteSide, user::PersonFold};

/// Looks at the person's own fold.
pub async fn standing(ws: &WriteSide, user: &UserId) -> Result<AccountStanding, GovernanceError> {
    if user.server_name() != ws.identity().server_name {
        return Ok(AccountStanding::Remote);
    }
    let Some(stream) = ws.user_stream(user)? else {
        return Ok(AccountStanding::Unknown);
    };
    let guard = ws.actors::<PersonFold>().lock(stream).await?;
    Ok(match &guard.fold().user().account {
        Some(account) if account.deactivated => AccountStanding::Deactivated,
        Some(_) => AccountStanding::Active,
        None => AccountStanding::Unknown,
    })
}
