//! Facts of the audit trail: what the staff looked at.
//!
//! Owns accesses. An access is a fact before its first byte is served (I16), so a fact may stand
//! for an answer that never arrived, and no answer is without its fact.

use serde::{Deserialize, Serialize};

use super::one_part_fact;
use crate::LogPosition;

/// How content left the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessKind {
    /// A page of the case's events.
    Events,
    /// An export.
    Export,
}

/// Content in a case's scope is about to be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentAccessed {
    /// The case that allows it.
    pub case: LogPosition,
    /// How.
    pub kind: AccessKind,
    /// First position of the stretch of the log that is served.
    pub from: LogPosition,
    /// The position after the last one.
    pub until: LogPosition,
    /// Entries in that stretch that may be in the scope: at least those that are served.
    pub entries: u64,
    /// User id of the reader.
    pub user: String,
    /// The reader's network address, in its usual text form, where it is known.
    pub address: Option<String>,
}
one_part_fact!(ContentAccessed = 176, Audit, personal: false);

/// Which records of the staff's own doing are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffRecord {
    /// Roles and requests for them.
    Roles,
    /// The list of cases.
    Cases,
    /// One case, by its position.
    Case(LogPosition),
    /// The accesses to content under a case.
    Accesses(LogPosition),
}

/// Records of the staff's own doing are about to be served: those who watch are seen too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRecordRead {
    /// What is read.
    pub record: StaffRecord,
    /// User id of the reader.
    pub user: String,
    /// The reader's network address, in its usual text form, where it is known.
    pub address: Option<String>,
}
one_part_fact!(StaffRecordRead = 177, Audit, personal: false);
