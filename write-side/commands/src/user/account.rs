//! Password, deactivation, administration and profile of an account.

use decide::user as rules;
use ruma::UserId;
use serde_json::Value;

use super::{
    LogInError, Passwords, UserError,
    own_facts::{look, own, own_revoking},
};
use crate::{WriteSide, audit::By};

/// Whether this is the person's password; for user-interactive authentication.
pub async fn verify_password(
    ws: &WriteSide,
    passwords: &Passwords,
    user: &UserId,
    password: &str,
) -> Result<bool, LogInError> {
    let hash = match ws.user_stream(user).map_err(UserError::from)? {
        Some(_) => {
            look(ws, user, |fold| {
                let account = fold.active_account().ok()?;
                account.password_hash.clone()
            })
            .await?
        }
        None => None,
    };
    Ok(passwords.verify(password, hash.as_deref()).await?)
}

/// A new password.
#[derive(Clone, Copy)]
pub struct NewPassword<'a> {
    /// The password.
    pub password: &'a str,
    /// Ends every device but the one that is kept.
    pub log_out_others: bool,
    /// The device that is kept.
    pub kept_device: Option<&'a str>,
}

/// Sets a password.
pub async fn set_password(
    ws: &WriteSide,
    passwords: &Passwords,
    user: &UserId,
    new: NewPassword<'_>,
    by: &By,
) -> Result<(), LogInError> {
    let hash = passwords.hash(new.password, ws.random_bytes()).await?;
    let NewPassword { log_out_others, kept_device: device_id, .. } = new;
    own_revoking(ws, user, by, |fold| rules::set_password(fold, &hash, log_out_others, device_id))
        .await?;
    Ok(())
}

/// Deactivates an account. Rooms are left by commands of their own.
pub async fn deactivate(
    ws: &WriteSide,
    user: &UserId,
    erase: bool,
    by: &By,
) -> Result<(), UserError> {
    own_revoking(ws, user, by, |fold| rules::deactivate(fold, erase)).await
}

/// Gives or takes server administration.
pub async fn set_admin(
    ws: &WriteSide,
    user: &UserId,
    admin: bool,
    by: &By,
) -> Result<(), UserError> {
    own_revoking(ws, user, by, |fold| rules::set_admin(fold, admin)).await
}

/// Sets a profile field, or removes it with `None`.
pub async fn set_profile_field(
    ws: &WriteSide,
    user: &UserId,
    field: &str,
    value: Option<&Value>,
) -> Result<(), UserError> {
    own(ws, user, |fold| rules::set_profile_field(fold, field, value)).await
}
