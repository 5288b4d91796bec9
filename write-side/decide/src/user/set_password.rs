//! Setting a password (client-server API, `POST /account/password`).

use facts::fact::PasswordSet;

use super::{Decision, UserFold, delete_devices::all_but};

/// Decides a new password, and with `log_out_others` ends all devices but `device_id`.
pub fn set_password(
    fold: &UserFold,
    hash: &str,
    log_out_others: bool,
    device_id: Option<&str>,
) -> Decision {
    fold.active_account()?;
    let password = PasswordSet { hash: hash.to_owned() };
    let mut facts = vec![password.into()];
    if log_out_others {
        facts.extend(all_but(fold, device_id));
    }
    Ok(facts)
}
