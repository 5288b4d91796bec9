//! Commands on persons: accounts, sessions, devices, keys, account data, receipts.
//!
//! Owns the road from a wish to durable facts of a person's stream; the rules are those of
//! `decide::user`. Invariants: I3, I9 (passwords, tokens and salts come from the handed-in
//! randomness). Never reads a view, never logs a token or a password.

mod account;
mod account_data;
mod backup;
mod claim_keys;
mod cross_signing;
mod devices;
mod inbox;
mod log_in;
mod own_facts;
mod password_hash;
mod person_fold;
mod receipts;
mod refresh;
mod register;
mod registration_token;
mod send_to_device;
mod shared_secret;
mod token;
mod upload_keys;

#[cfg(test)]
mod tests;

pub use self::{
    account::{
        NewPassword, deactivate, set_admin, set_password, set_profile_field, verify_password,
    },
    account_data::{edit_push_rules, set_account_data, set_tag, store_filter},
    backup::{
        BackupState, backup_state, create_backup_version, delete_backup_keys,
        delete_backup_version, store_backup_keys, update_backup_version,
    },
    claim_keys::{CLAIMS_MAX, ClaimedKeys, claim_keys},
    cross_signing::{needs_authentication, upload_cross_signing, upload_signatures},
    devices::{delete_devices, log_out, log_out_all, mark_seen, rename_device},
    inbox::acknowledge_to_device,
    log_in::{Credential, LogInError, LogInRequest, LoggedIn, TokenLifetimes, log_in},
    own_facts::{account_data_of, look},
    password_hash::{
        ARGON2_LANES, ARGON2_MEMORY_KIB, ARGON2_PASSES, PASSWORD_BYTES_MAX, PASSWORD_QUEUE_MAX,
        PasswordError, Passwords,
    },
    person_fold::PersonFold,
    receipts::{ReceiptRequest, set_fully_read, set_receipt},
    refresh::refresh,
    register::{RegisterError, RegisterRequest, Registered, is_available, register},
    registration_token::{TokenError, create_registration_token, is_valid_registration_token},
    send_to_device::{SendToDevice, send_to_device},
    shared_secret::{
        NONCE_MS, NONCES_MAX, SharedSecretRefusal, SharedSecretRegistration, SharedSecretRequest,
    },
    token::{TokenKind, new_token, token_hash, token_owner},
    upload_keys::upload_keys,
};

use decide::{inbox::InboxFold, registration_token::ServerFold, user::UserRefusal};

use crate::{CommandError, FoldKindsBuilder};

/// Why a command on a person was not done.
pub type UserError = CommandError<UserRefusal>;

/// Folds of persons that stay in memory.
const PERSONS_IN_MEMORY: usize = 10_000;
/// Inboxes that stay in memory.
const INBOXES_IN_MEMORY: usize = 20_000;

/// The kinds of folds that commands on persons need.
pub(crate) fn register_kinds(kinds: FoldKindsBuilder) -> FoldKindsBuilder {
    kinds
        .with::<PersonFold>(PERSONS_IN_MEMORY)
        .with::<InboxFold>(INBOXES_IN_MEMORY)
        .with::<ServerFold>(1)
}
