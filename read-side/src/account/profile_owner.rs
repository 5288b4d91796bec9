//! Whose profile is asked for.
//!
//! Owns the rule that profiles of this server's living accounts are public. Profiles of other
//! servers' users are fetched from there, which is no matter of views.

use facts::StreamId;
use http_edge::MatrixError;
use projections::Snapshot;
use ruma::{OwnedUserId, UserId};
use serde_json::{Value, json};

use crate::{fault::ReadFault, state::ReadSide};

fn no_profile() -> MatrixError {
    MatrixError::not_found("There is no such user, or the profile has no such field")
}

/// Refuses users of other servers.
pub(super) fn local_only(read: &ReadSide, user_id: &UserId) -> Result<(), MatrixError> {
    if read.is_local(user_id) { Ok(()) } else { Err(no_profile()) }
}

/// The stream of a local user with a living account.
pub(super) fn profile_owner(snapshot: &Snapshot, user_id: &UserId) -> Result<StreamId, ReadFault> {
    let user = snapshot.user(user_id.as_str())?.ok_or_else(no_profile)?;
    match snapshot.account(user)? {
        Some(account) if !account.deactivated => Ok(user),
        _ => Err(no_profile().into()),
    }
}

/// The answer with one field.
pub(super) async fn one_field(
    read: &ReadSide,
    user_id: OwnedUserId,
    field: String,
) -> Result<Value, MatrixError> {
    local_only(read, &user_id)?;
    let value = read
        .ask(move |snapshot| {
            let user = profile_owner(snapshot, &user_id)?;
            let value = snapshot.profile_field(user, &field)?;
            Ok(value
                .and_then(|json| serde_json::from_slice::<Value>(&json).ok())
                .map(|value| json!({ field: value })))
        })
        .await?;
    value.ok_or_else(no_profile)
}
