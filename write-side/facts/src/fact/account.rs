//! Facts of a person's stream about the account and what it keeps on the server.
//!
//! Owns account, profile, account data, filter, receipt and forgotten-room facts. All are sealed
//! with the person's tree.

use serde::{Deserialize, Serialize};

use super::one_part_fact;
use crate::Timestamp;

/// Who may use an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A person.
    User,
    /// A guest.
    Guest,
    /// A user of an application service.
    Appservice,
}

/// An account exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCreated {
    /// Kind of account.
    pub kind: AccountKind,
    /// True for a server administrator.
    pub admin: bool,
}
one_part_fact!(AccountCreated = 32, Account, personal: true);

/// Server administration was given or taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminChanged {
    /// True for a server administrator.
    pub admin: bool,
}
one_part_fact!(AdminChanged = 33, Account, personal: true);

/// A new password; supersedes the previous one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordSet {
    /// argon2id hash as a PHC string.
    pub hash: String,
}
one_part_fact!(PasswordSet = 34, Credential, personal: true);

/// The account can no longer be used. Devices are removed by facts of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDeactivated {
    /// The person asked for erasure too.
    pub erase: bool,
}
one_part_fact!(AccountDeactivated = 35, Account, personal: true);

/// A profile field changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileFieldSet {
    /// Field name (`displayname`, `avatar_url`, `m.tz`, …).
    pub field: String,
    /// Canonical JSON of the value; `None` removes the field.
    #[serde(with = "serde_bytes")]
    pub value: Option<Vec<u8>>,
}
one_part_fact!(ProfileFieldSet = 36, Account, personal: true);

/// Account data was set; supersedes the previous value of the same type and room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDataSet {
    /// Room id for room account data; `None` for global.
    pub room: Option<String>,
    /// Event type of the data.
    pub data_type: String,
    /// JSON object of the content; `None` removes it.
    #[serde(with = "serde_bytes")]
    pub content: Option<Vec<u8>>,
}
one_part_fact!(AccountDataSet = 37, AccountData, personal: true);

/// A filter was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterStored {
    /// Its id, unique for the person.
    pub filter_id: String,
    /// JSON object of the filter.
    #[serde(with = "serde_bytes")]
    pub filter: Vec<u8>,
}
one_part_fact!(FilterStored = 38, AccountData, personal: true);

/// Who sees a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// `m.read`.
    Read,
    /// `m.read.private`.
    ReadPrivate,
}

/// What a receipt covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadScope {
    /// No thread: the whole room.
    Unthreaded,
    /// The main timeline.
    Main,
    /// The thread with this root event.
    Thread(String),
}

/// A receipt moved forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptSet {
    /// Room id.
    pub room: String,
    /// The event up to which the person has read.
    pub event_id: String,
    /// Public or private.
    pub kind: ReceiptKind,
    /// What it covers.
    pub thread: ThreadScope,
    /// The time that the receipt claims.
    pub at: Timestamp,
}
one_part_fact!(ReceiptSet = 39, Receipt, personal: true);

/// The person no longer wants to see a room that they left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomForgotten {
    /// Room id.
    pub room: String,
}
one_part_fact!(RoomForgotten = 40, AccountData, personal: true);
