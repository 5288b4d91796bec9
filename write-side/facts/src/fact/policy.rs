//! What the organization decided about keeping and destroying its records.
//!
//! Owns the durable shape of a policy document and `PolicyApplied`. The document stands in the
//! fact twice: as the text that was handed in, which is what people read and hash, and as the
//! rules that were read from it then, which is what runs, so that a newer reader of the text
//! never rewrites what an old policy meant. Names of users and rooms are plain strings.
//! Never decides what a rule does: that is `decide::policy`.

mod period;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::period::{DAY_MS, Period, PeriodError, YEAR_DAYS};
use super::{Act, one_part_fact};

/// What policies, holds and erasure sort records by; coarser than `RecordClass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// Message events.
    Messages,
    /// State events.
    State,
    /// Uploaded media and their descriptions.
    Media,
    /// Read receipts.
    Receipts,
    /// Messages to single devices.
    ToDevice,
    /// The audit trail.
    Audit,
    /// Accounts, profiles, devices, account data and keys. Lives as long as the account does: a
    /// floor can cover it, a ceiling cannot.
    Account,
}

impl RecordKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Messages,
        Self::State,
        Self::Media,
        Self::Receipts,
        Self::ToDevice,
        Self::Audit,
        Self::Account,
    ];

    /// The word in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::State => "state",
            Self::Media => "media",
            Self::Receipts => "receipts",
            Self::ToDevice => "to-device",
            Self::Audit => "audit",
            Self::Account => "account",
        }
    }
}

/// One named policy of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRule {
    /// Kinds of records that it speaks of; never empty in a document that was accepted.
    pub records: BTreeSet<RecordKind>,
    /// Rooms; empty for all of them, and for what belongs to no room.
    pub rooms: BTreeSet<String>,
    /// Persons; empty for all of them. With rooms: these persons' records in these rooms.
    pub users: BTreeSet<String>,
    /// Floor: kept at least so long.
    pub keep_at_least: Option<Period>,
    /// Ceiling: destroyed after so long.
    pub keep_at_most: Option<Period>,
    /// From now on it can only be made stricter.
    pub locked: bool,
    /// Why it exists; the law or rule that it serves.
    pub reason: String,
}

/// How long the original of a redacted event is kept, from the redaction on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactionRule {
    /// So long.
    pub keep: Period,
    /// From now on it can only be made longer.
    pub locked: bool,
}

/// Whether rooms may ask for a ceiling and a floor of their own, by `m.room.retention`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRetentionRule {
    /// A `max_lifetime` below this counts as this: nobody empties a room by a typing error.
    pub shortest: Period,
}

/// A policy document: everything that is in force, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDocument {
    /// The named policies.
    pub policies: BTreeMap<String, PolicyRule>,
    /// Originals of redacted events; `None` keeps them for as long as the events.
    pub redaction: Option<RedactionRule>,
    /// `None`: what rooms ask for is not heard.
    pub room_retention: Option<RoomRetentionRule>,
}

/// A document is in force from here on, instead of the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyApplied {
    /// Number of the document: 1 for the first, without gaps.
    pub version: u64,
    /// The document as it was handed in.
    pub text: String,
    /// SHA-256 of that text.
    #[serde(with = "serde_bytes")]
    pub sha256: [u8; 32],
    /// What was read from it.
    pub document: PolicyDocument,
    /// Who applies it, and why.
    pub by: Act,
}
one_part_fact!(PolicyApplied = 160, Governance, personal: false);
