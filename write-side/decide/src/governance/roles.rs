//! Who holds which role, and what is asked for.
//!
//! Owns the part of the fold about roles. Requests that ran out are forgotten with the next fact
//! about a role; until then their time says that they are over. Invariants: I2, I10.

use std::collections::{BTreeMap, BTreeSet};

use facts::{EntryHeader, Fact, LogPosition, Timestamp, fact::Role};
use serde::{Deserialize, Serialize};

use super::GovernanceRefusal;

/// A request waits for so many days.
pub const REQUEST_DAYS: u64 = 7;
/// So many requests wait at a time.
pub const REQUESTS_MAX: usize = 1_000;
/// So many persons hold roles.
pub const ROLE_HOLDERS_MAX: usize = 10_000;

/// A role that somebody asks for, for somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRequest {
    /// The role.
    pub role: Role,
    /// User id of the person who shall hold it.
    pub grantee: String,
    /// User id of the officer who asks.
    pub requester: String,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

impl RoleRequest {
    /// From then on it can no longer be approved.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp(self.requested_at.0.saturating_add(REQUEST_DAYS * 86_400_000))
    }
}

/// Roles in force, and requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// Whether there ever was a fact about a role: then the first set-up is over.
    pub set_up: bool,
    holders: BTreeMap<String, BTreeSet<Role>>,
    /// Holders whose roles count for nothing until another officer vouches for them.
    #[serde(default)]
    suspended: BTreeSet<String>,
    requests: BTreeMap<LogPosition, RoleRequest>,
}

impl Roles {
    /// The roles that a person was given, suspended or not.
    pub fn of(&self, user: &str) -> impl Iterator<Item = Role> + '_ {
        self.holders.get(user).into_iter().flatten().copied()
    }

    /// Whether a person's roles are suspended.
    pub fn are_suspended(&self, user: &str) -> bool {
        self.suspended.contains(user)
    }

    /// The roles of a person that count.
    fn in_force(&self, user: &str) -> impl Iterator<Item = Role> + '_ {
        let counts = !self.are_suspended(user);
        self.of(user).filter(move |_| counts)
    }

    /// Whether a person holds a role, and it counts.
    pub fn holds(&self, user: &str, role: Role) -> bool {
        self.in_force(user).any(|held| held == role)
    }

    /// Whether a person takes part in decisions of two persons.
    pub fn is_officer(&self, user: &str) -> bool {
        self.in_force(user).any(Role::is_officer)
    }

    /// Whether a person may see what the staff does: officers and auditors.
    pub fn is_staff(&self, user: &str) -> bool {
        self.in_force(user).next().is_some()
    }

    /// Every person with roles, suspended or not, in order of names.
    pub fn holders(&self) -> impl Iterator<Item = (&str, &BTreeSet<Role>)> {
        self.holders.iter().map(|(user, roles)| (user.as_str(), roles))
    }

    /// Every officer, in order of names.
    pub fn officers(&self) -> impl Iterator<Item = &str> {
        self.holders().map(|(user, _)| user).filter(|user| self.is_officer(user))
    }

    /// The requests that wait at a time.
    pub fn requests(&self, now: Timestamp) -> impl Iterator<Item = (LogPosition, &RoleRequest)> {
        self.requests
            .iter()
            .filter(move |(_, request)| now < request.expires_at())
            .map(|(at, request)| (*at, request))
    }

    /// A request that waits.
    pub fn request(
        &self,
        request: LogPosition,
        now: Timestamp,
    ) -> Result<&RoleRequest, GovernanceRefusal> {
        self.requests
            .get(&request)
            .filter(|request| now < request.expires_at())
            .ok_or(GovernanceRefusal::UnknownRequest)
    }

    /// Refuses everybody who is no officer.
    pub fn require_officer(&self, user: &str) -> Result<(), GovernanceRefusal> {
        if self.is_officer(user) { Ok(()) } else { Err(GovernanceRefusal::NotOfficer) }
    }

    /// Refuses everybody without a role.
    pub fn require_staff(&self, user: &str) -> Result<(), GovernanceRefusal> {
        if self.is_staff(user) { Ok(()) } else { Err(GovernanceRefusal::NotStaff) }
    }

    pub(super) fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        match fact {
            Fact::RolesBootstrapped(first) => {
                for officer in &first.officers {
                    self.grant(officer, Role::ComplianceOfficer);
                }
            }
            Fact::RoleRequested(requested) => {
                let now = header.recorded_at;
                self.requests.retain(|_, request| now < request.expires_at());
                self.requests.insert(
                    header.position,
                    RoleRequest {
                        role: requested.role,
                        grantee: requested.grantee.clone(),
                        requester: requested.by.user.clone(),
                        reason: requested.by.reason.clone(),
                        requested_at: now,
                    },
                );
            }
            Fact::RoleApproved(approved) => {
                if let Some(request) = self.requests.remove(&approved.request) {
                    self.grant(&request.grantee, request.role);
                }
            }
            Fact::RoleRejected(rejected) => {
                self.requests.remove(&rejected.request);
            }
            Fact::RoleRevoked(revoked) => {
                if let Some(roles) = self.holders.get_mut(&revoked.holder) {
                    roles.remove(&revoked.role);
                    if roles.is_empty() {
                        self.holders.remove(&revoked.holder);
                        self.suspended.remove(&revoked.holder);
                    }
                }
            }
            Fact::RolesSuspended(suspended) => {
                self.suspended.insert(suspended.holder.clone());
            }
            Fact::RolesRestored(restored) => {
                self.suspended.remove(&restored.holder);
            }
            _ => return,
        }
        self.set_up = true;
    }

    fn grant(&mut self, user: &str, role: Role) {
        self.holders.entry(user.to_owned()).or_default().insert(role);
    }
}
