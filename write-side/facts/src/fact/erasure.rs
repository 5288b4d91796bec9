//! Erasure of a person: the request, and its end.
//!
//! Owns the two facts. In between, what a hold or a floor keeps of the person's records is
//! *restricted*: no longer shown, not yet destroyed. A request is named by the position of
//! `ErasureRequested`, and reaches what was recorded until that entry.

use serde::{Deserialize, Serialize};

use super::{Act, one_part_fact};
use crate::{LogPosition, Timestamp};

/// A person's records are to be erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRequested {
    /// User id of the person; local or remote.
    pub user: String,
    /// Who asks: the person, or an officer on their behalf.
    pub by: Act,
}
one_part_fact!(ErasureRequested = 168, Governance, personal: false);

/// How an erasure ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureEnd {
    /// Nothing that it reaches is left.
    Executed {
        /// The last order of destruction that carried it out.
        last_order: Option<LogPosition>,
        /// When the last backup of the keyring that could still open the records is gone.
        backups_gone_at: Option<Timestamp>,
    },
    /// It was taken back; what was destroyed meanwhile stays destroyed.
    Withdrawn,
}

/// An erasure is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureEnded {
    /// The request.
    pub request: LogPosition,
    /// How.
    pub end: ErasureEnd,
    /// Who says so; `None` for the server, once it was executed.
    pub by: Option<Act>,
}
one_part_fact!(ErasureEnded = 169, Governance, personal: false);
