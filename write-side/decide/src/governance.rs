//! Governance: roles and cases, and who may do what about them.
//!
//! Owns the fold of the governance stream and one file for each command on it. What decides reads
//! this fold alone, never a view. Invariants: I2, I7 (replay uses the same `evolve`), I10.

mod approve_case;
mod approve_role;
mod bootstrap_roles;
mod cases;
mod close_case;
mod erasures;
mod hold_refusal;
mod holds;
mod open_case;
mod place_hold;
mod policies;
mod read_case;
mod reason;
mod refusal;
mod reject_case;
mod reject_role;
mod release_hold;
mod request_role;
mod revoke_role;
mod roles;
mod suspend_roles;

#[cfg(test)]
mod tests;

use facts::{EntryHeader, Fact};
use serde::{Deserialize, Serialize};

use crate::policy::InForce;

pub use self::{
    approve_case::approve_case,
    approve_role::approve_role,
    bootstrap_roles::bootstrap_roles,
    cases::{
        CASE_DAYS_MAX, CASES_OPEN_MAX, Case, CaseEnd, CaseStatus, Cases, Decided,
        ENDED_CASES_KEPT_MAX,
    },
    close_case::close_case,
    erasures::{
        ERASURES_MAX, ErasureBook, ErasureRefusal, ErasureUnderWay, executed, request_erasure,
        require_data_protection, withdraw_erasure,
    },
    hold_refusal::HoldRefusal,
    holds::{HOLD_NAMES_MAX, HOLD_PARTS_MAX, HOLDS_MAX, HoldBook, HoldInForce, ReleaseRequest},
    open_case::{OpenCase, SCOPE_SUBJECTS_MAX, check_scope, open_case},
    place_hold::{MATTER_BYTES_MAX, place_hold, require_holder, widen_hold},
    policies::{ApplyPolicy, PolicyBook, PolicyRefusal, apply_policy},
    read_case::read_case,
    reason::{REASON_BYTES_MAX, check_reason},
    refusal::GovernanceRefusal,
    reject_case::reject_case,
    reject_role::reject_role,
    release_hold::{approve_release, notify_custodians, reject_release, request_release},
    request_role::request_role,
    revoke_role::revoke_role,
    roles::{REQUEST_DAYS, REQUESTS_MAX, ROLE_HOLDERS_MAX, RoleRequest, Roles},
    suspend_roles::{restore_roles, suspend_roles},
};

/// The fewest officers that four eyes need.
pub const OFFICERS_MIN: usize = 2;

/// What an account is, as far as a role is concerned. Read from the person's own fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStanding {
    /// An account of this server that can be used.
    Active,
    /// An account of this server that can no longer be used.
    Deactivated,
    /// No account of this server.
    Unknown,
    /// A user of another server.
    Remote,
}

impl AccountStanding {
    /// Refuses all but active accounts of this server.
    pub fn require_active(self) -> Result<(), GovernanceRefusal> {
        match self {
            Self::Active => Ok(()),
            Self::Deactivated => Err(GovernanceRefusal::Deactivated),
            Self::Unknown => Err(GovernanceRefusal::UnknownUser),
            Self::Remote => Err(GovernanceRefusal::NotLocal),
        }
    }
}

/// State of the governance stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GovernanceFold {
    /// Roles and requests for them.
    pub roles: Roles,
    /// Cases.
    pub cases: Cases,
    /// The policies in force.
    #[serde(default)]
    pub policies: PolicyBook,
    /// The holds in force.
    #[serde(default)]
    pub holds: HoldBook,
    /// The erasures that are under way.
    #[serde(default)]
    pub erasures: ErasureBook,
}

impl GovernanceFold {
    /// Applies a fact of the governance stream.
    pub fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        self.roles.evolve(header, fact);
        self.cases.evolve(header, fact);
        self.policies.evolve(header, fact);
        self.holds.evolve(header, fact);
        self.erasures.evolve(header, fact);
    }

    /// A snapshot of all that decides what becomes of records.
    pub fn in_force(&self) -> InForce {
        InForce {
            version: self.policies.version,
            document: self.policies.document.clone(),
            holds: self.holds.index(),
            erasures: self.erasures.index(),
        }
    }
}
