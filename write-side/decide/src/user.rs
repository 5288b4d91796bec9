//! A person: account, devices, sessions, keys, account data, receipts.
//!
//! Owns [`UserFold`], what the write side knows of one person, and one file for each command on
//! it. Invariants: I2 (no clock, no randomness, no IO), I7 (replay uses the same `evolve`).
//! Holds positions for what can be read from the log again; never holds a token, only its hash.

mod account;
mod account_data;
pub mod backup;
mod claim_keys;
mod cross_signing;
mod deactivate;
mod delete_devices;
mod device;
mod evolve;
mod fingerprint;
mod log_in;
mod mark_seen;
mod one_time_keys;
mod profile;
pub mod push_rules;
mod receipts;
mod refresh_session;
mod refusal;
mod register;
mod rename_device;
pub mod send_to_device;
mod set_account_data;
mod set_admin;
mod set_password;
mod set_profile_field;
mod set_receipt;
mod set_tag;
mod signatures;
mod store_filter;
mod superseded;
pub mod uia;
mod upload_cross_signing;
mod upload_keys;
mod upload_signatures;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use facts::{EntryHeader, Fact, FactBody as _, LogPosition, Timestamp, fact::AccountCreated};
use serde::{Deserialize, Serialize};

pub use self::{
    account::Account,
    account_data::{
        AccountDataKey, FULLY_READ, INVITE_PERMISSION, PUSH_RULES, TAGS, blocks_invites,
    },
    backup::Backups,
    claim_keys::{ClaimedKey, claim_key},
    cross_signing::{CrossSigning, StoredJson},
    deactivate::deactivate,
    delete_devices::{delete_devices, log_out, log_out_all},
    device::{Device, Session, SessionMatch, TokenHash, TokenPair},
    fingerprint::Fingerprint,
    log_in::{DEVICE_ID_BYTES_MAX, DEVICES_MAX, LogIn, log_in},
    mark_seen::{SEEN_INTERVAL_MS, mark_seen},
    one_time_keys::{FallbackKey, OneTimeKey, OneTimeKeys},
    profile::{PROFILE_BYTES_MAX, PROFILE_FIELD_BYTES_MAX},
    receipts::{ReceiptKey, Receipts},
    refresh_session::{Refresh, refresh_session},
    refusal::UserRefusal,
    register::{Register, check_username, register},
    rename_device::rename_device,
    set_account_data::{ACCOUNT_DATA_BYTES_MAX, set_account_data},
    set_admin::set_admin,
    set_password::set_password,
    set_profile_field::set_profile_field,
    set_receipt::{SetFullyRead, SetReceipt, set_fully_read, set_receipt},
    set_tag::{TAGS_MAX, set_tag},
    store_filter::{FILTERS_MAX, StoredFilter, store_filter},
    superseded::{SUPERSEDED_MAX, Superseded},
    upload_cross_signing::{CrossSigningUpload, UploadedCrossSigning, upload_cross_signing},
    upload_keys::{KeyUpload, ONE_TIME_KEYS_MAX, upload_keys},
    upload_signatures::{
        KeyHolder, SIGNED_KEYS_MAX, SignatureFailure, SignatureUpload, upload_signatures,
    },
};

/// What deciding gives: facts of the person's own stream, in order. None where nothing changes.
pub type Decision = Result<Vec<Fact>, UserRefusal>;

/// What the write side knows of a person.
///
/// A remote person, and the name of a local one that was never registered, have no `account`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFold {
    /// Full user id.
    pub user_id: String,
    /// The account; `None` where there is none on this server.
    pub account: Option<Account>,
    /// There was one, and what made it is destroyed.
    pub account_gone: bool,
    /// Profile field → JSON of its value.
    pub profile: BTreeMap<String, StoredJson>,
    /// Devices by device id.
    pub devices: BTreeMap<String, Device>,
    /// Cross-signing keys.
    pub cross_signing: CrossSigning,
    /// Server-side key backups. Saved apart from the rest: they are large and change seldom.
    #[serde(skip)]
    pub backups: Backups,
    /// Account data that is set → the entry that holds its content.
    pub account_data: BTreeMap<AccountDataKey, LogPosition>,
    /// Room id → event id of the read marker (`m.fully_read`).
    pub fully_read: BTreeMap<String, String>,
    /// Filter id → the entry that holds it.
    pub filters: BTreeMap<String, LogPosition>,
    /// Receipts.
    pub receipts: Receipts,
    /// Media reservations that are open or were completed lately.
    pub reservations: BTreeMap<String, crate::media::Reservation>,
    /// Entries whose values were replaced, for destruction.
    pub superseded: Superseded,
}

impl UserFold {
    /// A person of whom only the name is known.
    pub fn new(user_id: &str) -> Self {
        Self { user_id: user_id.to_owned(), ..Self::default() }
    }

    /// Whether the name was given to somebody, once and for all: whoever had it may be erased, and
    /// rooms, roles and other people go on to know them by it.
    pub fn is_given(&self) -> bool {
        self.account.is_some() || self.account_gone
    }

    /// An entry of the person's stream cannot be read any more.
    pub fn skip(&mut self, header: &EntryHeader) {
        self.account_gone |= header.fact_type == AccountCreated::TYPE;
    }

    /// The account, if it exists and may be used.
    pub fn active_account(&self) -> Result<&Account, UserRefusal> {
        match &self.account {
            Some(account) if account.deactivated => Err(UserRefusal::Deactivated),
            Some(account) => Ok(account),
            None => Err(UserRefusal::UnknownUser),
        }
    }

    /// A device that exists.
    pub(crate) fn device(&self, device_id: &str) -> Result<&Device, UserRefusal> {
        self.devices.get(device_id).ok_or(UserRefusal::UnknownDevice)
    }

    /// What an access token stands for at a time.
    pub fn session_of(&self, access: &TokenHash, now: Timestamp) -> SessionMatch<'_> {
        device::session_of(self, access, now)
    }
}
