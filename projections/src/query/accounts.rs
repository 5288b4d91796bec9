//! Accounts and registration tokens.

use facts::{Fact, LogPosition, StreamId, Timestamp, fact::AccountKind};

use super::Snapshot;
use crate::{
    client_view::{
        rows::{AccountRow, RegistrationTokenRow},
        table::Table,
    },
    store::{Key, KeyReader, Order, Rows, StoreError, decode},
};

/// An account.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of an account")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The person's stream.
    pub user: StreamId,
    /// Kind of account.
    pub kind: AccountKind,
    /// Server administrator.
    pub admin: bool,
    /// True if a password is set.
    pub has_password: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// It can no longer be used.
    pub deactivated: bool,
    /// The person asked for erasure.
    pub erased: bool,
}

impl Account {
    fn of(user: StreamId, row: &AccountRow) -> Self {
        Self {
            user,
            kind: row.kind,
            admin: row.admin,
            has_password: row.password.is_some(),
            created_at: row.created_at,
            deactivated: row.deactivated,
            erased: row.erased,
        }
    }
}

impl Snapshot {
    /// The account of a person of this server.
    pub fn account(&self, user: StreamId) -> Result<Option<Account>, StoreError> {
        let key = Key::new(Table::Account).u64(user.0);
        let row: Option<AccountRow> = self.rows.get_row(&key)?;
        Ok(row.map(|row| Account::of(user, &row)))
    }

    /// At most `max` accounts with streams after `after`, in order of creation.
    pub fn accounts(
        &self,
        after: Option<StreamId>,
        max: usize,
    ) -> Result<Vec<Account>, StoreError> {
        let prefix = Key::new(Table::Account);
        let from = prefix.clone().u64(after.map_or(0, |user| user.0.saturating_add(1)));
        self.rows
            .iterate(from.as_bytes(), &prefix.after_prefix(), Order::Forward)
            .take(max)
            .map(|row| {
                let (key, value) = row?;
                let user = StreamId(KeyReader::after(&key, &prefix).u64()?);
                let row: AccountRow = decode(Table::Account.into(), &value)?;
                Ok(Account::of(user, &row))
            })
            .collect()
    }

    /// The PHC string of a person's password.
    pub fn password_hash(&self, user: StreamId) -> Result<Option<String>, StoreError> {
        let key = Key::new(Table::Account).u64(user.0);
        let row: Option<AccountRow> = self.rows.get_row(&key)?;
        let Some(position) = row.and_then(|row| row.password) else {
            return Ok(None);
        };
        Ok(self.body(LogPosition(position))?.and_then(|body| match &body.fact {
            Fact::PasswordSet(password) => Some(password.hash.clone()),
            _ => None,
        }))
    }

    /// True if a registration token can be used at `now`, by the SHA-256 of the token.
    pub fn registration_token_valid(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = Key::new(Table::RegistrationToken).bytes(token_hash);
        let row: Option<RegistrationTokenRow> = self.rows.get_row(&key)?;
        Ok(row.is_some_and(|row| {
            row.uses_allowed.is_none_or(|uses| row.used < uses)
                && row.expires_at.is_none_or(|end| now < end)
        }))
    }
}
