//! Cases: what may be read, by whom, until when.
//!
//! Owns the part of the fold about cases. A case runs out by its own time, without a fact; of
//! those that ended, the latest are kept for lists. Invariants: I2, I10.

use std::{collections::BTreeMap, fmt};

use facts::{
    EntryHeader, Fact, LogPosition, Timestamp,
    fact::{Act, Scope},
};
use serde::{Deserialize, Serialize};

use super::GovernanceRefusal;

/// A case lasts at most so many days.
pub const CASE_DAYS_MAX: u64 = 366;
/// So many cases wait or are in force at a time.
pub const CASES_OPEN_MAX: usize = 1_000;
/// So many cases that are over stay in the fold; older ones are in the log alone.
pub const ENDED_CASES_KEPT_MAX: usize = 1_000;

/// What a person decided about a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// User id.
    pub user: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// How a case was ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaseEnd {
    /// It was never approved.
    Rejected(Decided),
    /// It was closed.
    Closed(Decided),
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// What may be read.
    pub scope: Scope,
    /// From then on nothing may be read.
    pub expires_at: Timestamp,
    /// User id of the officer who asked.
    pub requester: String,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub opened_at: Timestamp,
    /// The second person's approval.
    pub approval: Option<Decided>,
    /// How it was ended.
    pub end: Option<CaseEnd>,
}

/// Where a case stands at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseStatus {
    /// It waits for approval.
    Pending,
    /// It is approved and has not run out.
    InForce,
    /// It was never approved.
    Rejected,
    /// It was closed.
    Closed,
    /// It has run out.
    Expired,
}

impl CaseStatus {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InForce => "in_force",
            Self::Rejected => "rejected",
            Self::Closed => "closed",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for CaseStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InForce => "in force",
            other => other.name(),
        })
    }
}

impl Case {
    /// Where it stands.
    pub fn status(&self, now: Timestamp) -> CaseStatus {
        match (&self.end, &self.approval) {
            (Some(CaseEnd::Rejected(_)), _) => CaseStatus::Rejected,
            (Some(CaseEnd::Closed(_)), _) => CaseStatus::Closed,
            (None, _) if now >= self.expires_at => CaseStatus::Expired,
            (None, Some(_)) => CaseStatus::InForce,
            (None, None) => CaseStatus::Pending,
        }
    }

    /// Whether a person asked for it or approved it.
    pub fn names(&self, user: &str) -> bool {
        self.requester == user || self.approval.as_ref().is_some_and(|second| second.user == user)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        !matches!(self.status(now), CaseStatus::Pending | CaseStatus::InForce)
    }
}

/// All cases that the fold knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cases(BTreeMap<LogPosition, Case>);

impl Cases {
    /// A case.
    pub fn get(&self, case: LogPosition) -> Result<&Case, GovernanceRefusal> {
        self.0.get(&case).ok_or(GovernanceRefusal::UnknownCase)
    }

    /// A case that waits for approval.
    pub fn pending(&self, case: LogPosition, now: Timestamp) -> Result<&Case, GovernanceRefusal> {
        let found = self.get(case)?;
        match found.status(now) {
            CaseStatus::Pending => Ok(found),
            other => Err(GovernanceRefusal::NotPending(other)),
        }
    }

    /// Every case, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (LogPosition, &Case)> {
        self.0.iter().map(|(at, case)| (*at, case))
    }

    /// How many wait or are in force.
    pub fn open(&self, now: Timestamp) -> usize {
        self.0.values().filter(|case| !case.is_over(now)).count()
    }

    pub(super) fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        let decided = |by: &Act| Decided {
            user: by.user.clone(),
            reason: by.reason.clone(),
            at: header.recorded_at,
        };
        match fact {
            Fact::CaseOpened(opened) => {
                self.forget_old(header.recorded_at);
                let case = Case {
                    scope: opened.scope.clone(),
                    expires_at: opened.expires_at,
                    requester: opened.by.user.clone(),
                    reason: opened.by.reason.clone(),
                    opened_at: header.recorded_at,
                    approval: None,
                    end: None,
                };
                self.0.insert(header.position, case);
            }
            Fact::CaseApproved(approved) => {
                if let Some(case) = self.0.get_mut(&approved.case) {
                    case.approval = Some(decided(&approved.by));
                }
            }
            Fact::CaseRejected(rejected) => {
                if let Some(case) = self.0.get_mut(&rejected.case) {
                    case.end = Some(CaseEnd::Rejected(decided(&rejected.by)));
                }
            }
            Fact::CaseClosed(closed) => {
                if let Some(case) = self.0.get_mut(&closed.case) {
                    case.end = Some(CaseEnd::Closed(decided(&closed.by)));
                }
            }
            _ => {}
        }
    }

    /// Before another one comes: keeps the latest of those that are over.
    fn forget_old(&mut self, now: Timestamp) {
        let over: Vec<_> =
            self.0.iter().filter(|(_, case)| case.is_over(now)).map(|(at, _)| *at).collect();
        let surplus = over.len().saturating_sub(ENDED_CASES_KEPT_MAX);
        for old in over.into_iter().take(surplus) {
            self.0.remove(&old);
        }
    }
}
