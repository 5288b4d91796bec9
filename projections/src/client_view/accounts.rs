//! Accounts and registration tokens.

use facts::{
    LogPosition,
    fact::{AccountCreated, AccountDeactivated, RegistrationTokenCreated, RegistrationTokenUsed},
};

use super::{
    applying::Applying,
    rows::{AccountRow, RegistrationTokenRow},
    table::Table,
};
use crate::store::{Key, Rows, StoreError};

pub(super) fn created(a: &mut Applying<'_>, created: &AccountCreated) {
    let row = AccountRow {
        kind: created.kind,
        admin: created.admin,
        password: None,
        created: a.position().0,
        created_at: a.recorded_at(),
        deactivated: false,
        erased: false,
    };
    let key = Key::new(Table::Account).u64(a.stream().0);
    a.batch.put_row(key, &row);
}

/// Changes the account of the entry's stream.
pub(super) fn change(
    a: &mut Applying<'_>,
    change: impl FnOnce(&mut AccountRow, LogPosition),
) -> Result<(), StoreError> {
    let key = Key::new(Table::Account).u64(a.stream().0);
    if let Some(mut row) = a.batch.get_row::<AccountRow>(&key)? {
        change(&mut row, a.position());
        a.batch.put_row(key, &row);
    }
    Ok(())
}

/// Nobody logs in any more; with `erase` the profile is empty.
pub(super) fn deactivated(
    a: &mut Applying<'_>,
    deactivated: &AccountDeactivated,
) -> Result<(), StoreError> {
    if deactivated.erase {
        // Bounded by the write side: a profile is at most 64 KiB.
        a.batch.remove_prefix(&Key::new(Table::Profile).u64(a.stream().0), usize::MAX)?;
    }
    change(a, |row, _| {
        row.deactivated = true;
        row.erased |= deactivated.erase;
        row.password = None;
    })
}

pub(super) fn token_created(a: &mut Applying<'_>, token: &RegistrationTokenCreated) {
    let row = RegistrationTokenRow {
        uses_allowed: token.uses_allowed,
        used: 0,
        expires_at: token.expires_at,
    };
    let key = Key::new(Table::RegistrationToken).bytes(&token.token_hash);
    a.batch.put_row(key, &row);
}

pub(super) fn token_used(
    a: &mut Applying<'_>,
    used: &RegistrationTokenUsed,
) -> Result<(), StoreError> {
    let key = Key::new(Table::RegistrationToken).bytes(&used.token_hash);
    if let Some(mut row) = a.batch.get_row::<RegistrationTokenRow>(&key)? {
        row.used += 1;
        a.batch.put_row(key, &row);
    }
    Ok(())
}
