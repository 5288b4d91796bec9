//! Row values of the client view.
//!
//! Owns their shapes. Hot rows have a fixed binary layout (in `rows/`), the others are CBOR.
//! Values copied from the log, besides positions and numbers: event types and state keys, event
//! ids, device ids and names, aliases, filter and media ids, key ids. No message text.

mod event;
mod member;
mod room;

use facts::{
    Timestamp,
    fact::{AccountKind, ReceiptKind, ThreadScope},
};
use serde::{Deserialize, Serialize};

pub use self::{
    event::{EventKind, EventRow},
    member::{MemberRow, Membership},
    room::RoomRow,
};

/// The state before an event that was not in step with the room's current state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeforeRow {
    /// The event after which the base state holds; `None` where it is not known.
    pub base: Option<u64>,
    /// Differences from the base: type, state key, event position.
    pub delta: Vec<(String, String, Option<u64>)>,
    /// False where members may be missing.
    pub full: bool,
}

/// One change of current state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// Event type.
    pub event_type: String,
    /// State key.
    pub state_key: String,
    /// Position of the event before.
    pub old: Option<u64>,
    /// Position of the event now.
    pub new: Option<u64>,
}

/// A fallback key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackRow {
    /// Algorithm and key id.
    pub key_id: String,
    /// Position of the fact that holds it.
    pub position: u64,
    /// Index in the fact.
    pub index: u32,
    /// It was handed out.
    pub used: bool,
}

/// A backup version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRow {
    /// Position of its creation.
    pub created: u64,
    /// Position of the last `auth_data`.
    pub updated: u64,
    /// Position of the last change of its sessions: the etag.
    pub etag: u64,
    /// Number of sessions.
    pub count: u64,
    /// It is gone.
    pub deleted: bool,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRow {
    /// User.
    pub user: u64,
    /// Device id.
    pub device_id: String,
    /// End of the token.
    pub expires_at: Option<Timestamp>,
    /// Position of the fact that gave it.
    pub since: u64,
}

/// A pair of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPair {
    /// Hash of the access token.
    #[serde(with = "serde_bytes")]
    pub access: [u8; 32],
    /// Hash of the refresh token.
    #[serde(with = "serde_bytes")]
    pub refresh: Option<[u8; 32]>,
}

/// The tokens of a device, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokensRow {
    /// Pairs that are not superseded; at most two in practice.
    pub pairs: Vec<TokenPair>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Name shown to the person.
    pub display_name: Option<String>,
    /// Position at which it was added.
    pub added: u64,
    /// When it was last in use.
    pub seen_at: Option<Timestamp>,
    /// Position of the last sighting, which holds the address.
    pub seen: Option<u64>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Kind of account.
    pub kind: AccountKind,
    /// Server administrator.
    pub admin: bool,
    /// Position of the password's fact.
    pub password: Option<u64>,
    /// Position of creation.
    pub created: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// It can no longer be used.
    pub deactivated: bool,
    /// The person asked for erasure.
    pub erased: bool,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// Position of the fact.
    pub position: u64,
    /// Event id that it points to.
    pub event_id: String,
    /// Up to this placement position everything is read; 0 where the event is not known.
    pub read_upto: u64,
    /// Time that it claims.
    pub at: Timestamp,
}

/// The key of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLogRow {
    /// User.
    pub user: u64,
    /// Public or private.
    pub kind: ReceiptKind,
    /// Thread.
    pub thread: ThreadScope,
}

/// An alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasRow {
    /// Room id.
    pub room: String,
    /// User id of the creator.
    pub creator: String,
    /// Position.
    pub position: u64,
}

/// A media id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaRow {
    /// Uploader.
    pub user: u64,
    /// Position of the reservation.
    pub reserved: Option<u64>,
    /// End of the reservation.
    pub expires_at: Option<Timestamp>,
    /// Position of `MediaStored`.
    pub stored: Option<u64>,
    /// When it was created or stored.
    pub at: Timestamp,
}

/// A registration token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationTokenRow {
    /// How often it can be used.
    pub uses_allowed: Option<u32>,
    /// How often it was used.
    pub used: u32,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}
