//! Deactivating an account (client-server API, `POST /account/deactivate`).
//!
//! Ends sessions and password. Leaving rooms and erasing records are commands of their own, made
//! by whoever issues this one: they touch other streams.

use facts::fact::{AccountDeactivated, ProfileFieldSet};

use super::{Decision, UserFold, delete_devices::all_but};

/// Decides a deactivation. With `erase` the profile is emptied too.
pub fn deactivate(fold: &UserFold, erase: bool) -> Decision {
    fold.active_account()?;
    let mut facts = vec![AccountDeactivated { erase }.into()];
    facts.extend(all_but(fold, None));
    if erase {
        facts.extend(fold.profile.keys().map(|field| {
            let gone = ProfileFieldSet { field: field.clone(), value: None };
            gone.into()
        }));
    }
    Ok(facts)
}
