//! Deactivating an account (client-server API, `POST /account/deactivate`).
//!
//! Ends sessions and password. Leaving rooms and erasing records are commands of their own, made
//! by whoever issues this one: they touch other streams.

use facts::fact::AccountDeactivated;

use super::{Decision, UserFold, delete_devices::all_but};

/// Decides a deactivation. With `erase` the profile is emptied too, by the same fact: one for each
/// field would name it again, after the request that ends what the person wrote.
pub fn deactivate(fold: &UserFold, erase: bool) -> Decision {
    fold.active_account()?;
    let mut facts = vec![AccountDeactivated { erase }.into()];
    facts.extend(all_but(fold, None));
    Ok(facts)
}
