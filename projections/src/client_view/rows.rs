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
    member::Membership,
};
pub(crate) use self::{member::MemberRow, room::RoomRow};

/// The state before an event that was not in step with the room's current state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BeforeRow {
    /// The event after which the base state holds; `None` where it is not known.
    pub(crate) base: Option<u64>,
    /// Differences from the base: type, state key, event position.
    pub(crate) delta: Vec<(String, String, Option<u64>)>,
    /// False where members may be missing.
    pub(crate) full: bool,
}

/// One change of current state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangeRow {
    /// Event type.
    pub(crate) event_type: String,
    /// State key.
    pub(crate) state_key: String,
    /// Position of the event before.
    pub(crate) old: Option<u64>,
    /// Position of the event now.
    pub(crate) new: Option<u64>,
}

/// A fallback key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FallbackRow {
    /// Algorithm and key id.
    pub(crate) key_id: String,
    /// Position of the fact that holds it.
    pub(crate) position: u64,
    /// Index in the fact.
    pub(crate) index: u32,
    /// It was handed out.
    pub(crate) used: bool,
}

/// A backup version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupRow {
    /// Position of its creation.
    pub(crate) created: u64,
    /// Position of the last `auth_data`.
    pub(crate) updated: u64,
    /// Raised with every change of its sessions, as the write side counts it too.
    pub(crate) etag: u64,
    /// Number of sessions.
    pub(crate) count: u64,
    /// It is gone.
    pub(crate) deleted: bool,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessRow {
    /// User.
    pub(crate) user: u64,
    /// Device id.
    pub(crate) device_id: String,
    /// End of the token.
    pub(crate) expires_at: Option<Timestamp>,
    /// Position of the fact that gave it.
    pub(crate) since: u64,
}

/// A pair of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenPair {
    /// Hash of the access token.
    #[serde(with = "serde_bytes")]
    pub(crate) access: [u8; 32],
    /// Hash of the refresh token.
    #[serde(with = "serde_bytes")]
    pub(crate) refresh: Option<[u8; 32]>,
}

/// The tokens of a device, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokensRow {
    /// Pairs that are not superseded; at most two in practice.
    pub(crate) pairs: Vec<TokenPair>,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceRow {
    /// Name shown to the person.
    pub(crate) display_name: Option<String>,
    /// Position at which it was added.
    pub(crate) added: u64,
    /// When it was last in use.
    pub(crate) seen_at: Option<Timestamp>,
    /// Position of the last sighting, which holds the address.
    pub(crate) seen: Option<u64>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountRow {
    /// Kind of account.
    pub(crate) kind: AccountKind,
    /// Server administrator.
    pub(crate) admin: bool,
    /// Position of the password's fact.
    pub(crate) password: Option<u64>,
    /// Position of creation.
    pub(crate) created: u64,
    /// When it was created.
    pub(crate) created_at: Timestamp,
    /// It can no longer be used.
    pub(crate) deactivated: bool,
    /// The person asked for erasure.
    pub(crate) erased: bool,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReceiptRow {
    /// Position of the fact.
    pub(crate) position: u64,
    /// Event id that it points to.
    pub(crate) event_id: String,
    /// Up to this placement position everything is read; 0 where the event is not known.
    pub(crate) read_upto: u64,
    /// Time that it claims.
    pub(crate) at: Timestamp,
}

/// The key of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReceiptLogRow {
    /// User.
    pub(crate) user: u64,
    /// Public or private.
    pub(crate) kind: ReceiptKind,
    /// Thread.
    pub(crate) thread: ThreadScope,
}

/// An alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AliasRow {
    /// Room id.
    pub(crate) room: String,
    /// User id of the creator.
    pub(crate) creator: String,
    /// Position.
    pub(crate) position: u64,
}

/// What the first redaction that took effect on an event left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RedactedRow {
    /// Position of the redaction.
    pub(crate) by: u64,
    /// Position of `PduRedacted`.
    pub(crate) applied: u64,
}

/// A media id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MediaRow {
    /// Uploader.
    pub(crate) user: u64,
    /// Position of the reservation.
    pub(crate) reserved: Option<u64>,
    /// End of the reservation.
    pub(crate) expires_at: Option<Timestamp>,
    /// Position of `MediaStored`.
    pub(crate) stored: Option<u64>,
    /// When it was created or stored.
    pub(crate) at: Timestamp,
}

/// A registration token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RegistrationTokenRow {
    /// How often it can be used.
    pub(crate) uses_allowed: Option<u32>,
    /// How often it was used.
    pub(crate) used: u32,
    /// When it ends.
    pub(crate) expires_at: Option<Timestamp>,
}
