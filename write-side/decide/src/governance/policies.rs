//! The policies in force.
//!
//! Owns the part of the fold about policy documents, and who may replace them by what. A lock
//! outlives every role: no one lifts it. Invariants: I2, I10.

use facts::{
    EntryHeader, Fact, LogPosition, Timestamp,
    fact::{Act, PolicyApplied, PolicyDocument, Role},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{GovernanceFold, GovernanceRefusal, check_reason};
use crate::policy::{DOCUMENT_BYTES_MAX, DocumentFault, Weakening, check_document, weakening};

/// The document in force; version 0 is none, which keeps everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyBook {
    /// Number of the document.
    pub version: u64,
    /// SHA-256 of its text; the text itself is in the log.
    pub sha256: [u8; 32],
    /// Where it was applied.
    pub applied: Option<LogPosition>,
    /// When.
    pub applied_at: Option<Timestamp>,
    /// What it says.
    pub document: PolicyDocument,
}

/// Why a document is not applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyRefusal {
    /// What every act of governance can be refused for.
    #[error(transparent)]
    Governance(#[from] GovernanceRefusal),
    /// 403: it takes a compliance officer.
    #[error("only compliance officers may apply policies")]
    NotCompliance,
    /// 409: another document was applied meanwhile.
    #[error("version {in_force} is in force, and this was written for version {based_on}")]
    Outdated {
        /// The version in force.
        in_force: u64,
        /// The one that the officer saw.
        based_on: u64,
    },
    /// 409: the very document is in force.
    #[error("this document is in force already")]
    Unchanged,
    /// 400: the text is too long.
    #[error("the document is longer than {DOCUMENT_BYTES_MAX} bytes")]
    TooLong,
    /// 400: the document contradicts itself; each line says where.
    #[error("the document has {} faults", .0.len())]
    Faulty(Vec<DocumentFault>),
    /// 409: a lock refuses it; each line says which.
    #[error("locks of the policies in force refuse {} lines", .0.len())]
    Locked(Vec<Weakening>),
}

/// A document that is to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyPolicy {
    /// The text.
    pub text: String,
    /// What was read from it.
    pub document: PolicyDocument,
    /// The version that the officer saw in force; 0 for none.
    pub based_on: u64,
}

impl PolicyBook {
    pub(super) fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        if let Fact::PolicyApplied(applied) = fact {
            *self = Self {
                version: applied.version,
                sha256: applied.sha256,
                applied: Some(header.position),
                applied_at: Some(header.recorded_at),
                document: applied.document.clone(),
            };
        }
    }
}

/// Replaces the document in force as a whole.
pub fn apply_policy(
    fold: &GovernanceFold,
    wish: &ApplyPolicy,
    by: Act,
) -> Result<Vec<Fact>, PolicyRefusal> {
    if !fold.roles.holds(&by.user, Role::ComplianceOfficer) {
        return Err(PolicyRefusal::NotCompliance);
    }
    check_reason(&by.reason)?;
    let in_force = &fold.policies;
    if wish.based_on != in_force.version {
        let (in_force, based_on) = (in_force.version, wish.based_on);
        return Err(PolicyRefusal::Outdated { in_force, based_on });
    }
    if wish.text.len() > DOCUMENT_BYTES_MAX {
        return Err(PolicyRefusal::TooLong);
    }
    let faults = check_document(&wish.document);
    if !faults.is_empty() {
        return Err(PolicyRefusal::Faulty(faults));
    }
    let sha256: [u8; 32] = Sha256::digest(wish.text.as_bytes()).into();
    if in_force.version > 0 && in_force.sha256 == sha256 {
        return Err(PolicyRefusal::Unchanged);
    }
    let weaker = weakening(&in_force.document, &wish.document);
    if !weaker.is_empty() {
        return Err(PolicyRefusal::Locked(weaker));
    }
    Ok(vec![
        PolicyApplied {
            version: in_force.version + 1,
            text: wish.text.clone(),
            sha256,
            document: wish.document.clone(),
            by,
        }
        .into(),
    ])
}
