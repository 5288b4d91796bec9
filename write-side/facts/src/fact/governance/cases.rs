//! Facts about cases.
//!
//! Owns the four facts of a case's life. A case is named by the position of `CaseOpened`; it ends
//! at `expires_at` without a fact.

use serde::{Deserialize, Serialize};

use super::{Act, Scope};
use crate::{LogPosition, Timestamp, fact::one_part_fact};

/// An officer asks to read content. Its position names the case; nothing may be read yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseOpened {
    /// What may be read.
    pub scope: Scope,
    /// From then on nothing may be read.
    pub expires_at: Timestamp,
    /// Who asks, and why.
    pub by: Act,
}
one_part_fact!(CaseOpened = 152, Governance, personal: false);

/// A second officer approves: the two of them may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseApproved {
    /// The case.
    pub case: LogPosition,
    /// Who approves, and why.
    pub by: Act,
}
one_part_fact!(CaseApproved = 153, Governance, personal: false);

/// The case was never approved: refused by another officer, or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRejected {
    /// The case.
    pub case: LogPosition,
    /// Who ends it, and why.
    pub by: Act,
}
one_part_fact!(CaseRejected = 154, Governance, personal: false);

/// An approved case ends before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseClosed {
    /// The case.
    pub case: LogPosition,
    /// Who ends it, and why.
    pub by: Act,
}
one_part_fact!(CaseClosed = 155, Governance, personal: false);
