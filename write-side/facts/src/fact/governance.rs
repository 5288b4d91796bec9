//! Facts of governance: who holds which role, and which cases allow reading content.
//!
//! Owns what they share: roles, who acted and why, and what an act is about. One stream holds
//! them all, so that their order is that of the log. They never expire, and no person's key is a
//! factor: the erasure of a person does not take away who decided what.

mod cases;
mod roles;

use serde::{Deserialize, Serialize};

pub use self::{
    cases::{CaseApproved, CaseClosed, CaseOpened, CaseRejected},
    roles::{
        RoleApproved, RoleRejected, RoleRequested, RoleRevoked, RolesBootstrapped, RolesRestored,
        RolesSuspended,
    },
};
use crate::{StreamId, Timestamp};

/// What a member of the staff may be. Being a server administrator is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Holds, policies, cases, exports.
    ComplianceOfficer,
    /// Cases and holds for proceedings.
    Legal,
    /// Sees what the others did, and the ledger; never content.
    Auditor,
    /// Erasure and access requests of persons.
    DataProtectionOfficer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] =
        [Self::ComplianceOfficer, Self::Legal, Self::Auditor, Self::DataProtectionOfficer];

    /// Whether it takes part in decisions of two persons.
    pub fn is_officer(self) -> bool {
        match self {
            Self::ComplianceOfficer | Self::Legal | Self::DataProtectionOfficer => true,
            Self::Auditor => false,
        }
    }

    /// Its name, as in facts, requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::ComplianceOfficer => "compliance_officer",
            Self::Legal => "legal",
            Self::Auditor => "auditor",
            Self::DataProtectionOfficer => "data_protection_officer",
        }
    }

    /// The role of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Who did something, from where and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// User id of the person who acted.
    pub user: String,
    /// The person's network address, in its usual text form, where it is known.
    pub address: Option<String>,
    /// Why, in the person's own words.
    pub reason: String,
}

/// A room or a person that an act is about: the name, and the stream that bore it at that time.
/// A room that is purged and joined again is another stream under the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// Room id or user id.
    pub name: String,
    /// Its stream in the log.
    pub stream: StreamId,
}

/// A part of the record: by persons, by rooms, by received time.
///
/// Where both persons and rooms are named, it is what these persons did in these rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Persons; empty for everybody.
    pub users: Vec<Subject>,
    /// Rooms; empty for everywhere.
    pub rooms: Vec<Subject>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded before this time.
    pub until: Option<Timestamp>,
}

impl Scope {
    /// Whether an entry that was recorded at `at` lies in its time.
    pub fn covers_time(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}
