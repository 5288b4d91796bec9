//! Invites that the invited person does not take (client-server API, "Invite permission").
//!
//! Only persons of this server say so here; of others their own servers know. An invite that
//! comes while the person changes it may pass or not.

use decide::user::{AccountDataKey, INVITE_PERMISSION, blocks_invites};
use ruma::UserId;

use super::{RoomCommandRefusal, act::RoomError};
use crate::{CommandError, WriteSide, user::account_data_of};

/// Refuses an invite that `target` blocks.
pub async fn check_invite(write_side: &WriteSide, target: &UserId) -> Result<(), RoomError> {
    let key = AccountDataKey::global(INVITE_PERMISSION);
    match account_data_of(write_side, target, &key).await {
        Ok(Some(content)) if blocks_invites(&content) => {
            Err(CommandError::Refusal(RoomCommandRefusal::InviteBlocked(target.to_owned())))
        }
        // Nobody here, or somebody who never said anything.
        Ok(_) | Err(CommandError::Refusal(_)) => Ok(()),
        Err(error) => {
            Err(error.map_refusal(|_| RoomCommandRefusal::InviteBlocked(target.to_owned())))
        }
    }
}
