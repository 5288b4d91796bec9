//! Opening a case.

use std::collections::BTreeSet;

use facts::{
    Fact, Timestamp,
    fact::{Act, CaseOpened, Scope, Subject},
};

use super::{CASE_DAYS_MAX, CASES_OPEN_MAX, GovernanceFold, GovernanceRefusal, check_reason};

/// A scope names at most so many persons, and so many rooms.
pub const SCOPE_SUBJECTS_MAX: usize = 500;

/// A case that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCase {
    /// What shall be read.
    pub scope: Scope,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whoever asks was a member of one of the scope's rooms, now or in its time.
    pub member_of_scope: bool,
}

/// Checks the form of a scope; who is known here is the caller's to check.
pub fn check_scope(scope: &Scope) -> Result<(), GovernanceRefusal> {
    if scope.users.is_empty() && scope.rooms.is_empty() {
        return Err(GovernanceRefusal::EmptyScope);
    }
    for subjects in [&scope.users, &scope.rooms] {
        let distinct: BTreeSet<&Subject> = subjects.iter().collect();
        if subjects.len() > SCOPE_SUBJECTS_MAX || distinct.len() != subjects.len() {
            return Err(GovernanceRefusal::ScopeTooLarge);
        }
    }
    match (scope.from, scope.until) {
        (Some(from), Some(until)) if from >= until => Err(GovernanceRefusal::DatesReversed),
        _ => Ok(()),
    }
}

/// An officer who is not in the scope asks.
pub fn open_case(
    fold: &GovernanceFold,
    wish: OpenCase,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, GovernanceRefusal> {
    fold.roles.require_officer(&by.user)?;
    check_reason(&by.reason)?;
    check_scope(&wish.scope)?;
    if wish.expires_at <= now {
        return Err(GovernanceRefusal::ExpiryPassed);
    }
    if wish.expires_at.0 - now.0 > CASE_DAYS_MAX * 86_400_000 {
        return Err(GovernanceRefusal::ExpiryTooFar);
    }
    if wish.member_of_scope || names_person(&wish.scope, &by.user) {
        return Err(GovernanceRefusal::InScope);
    }
    if fold.cases.open(now) >= CASES_OPEN_MAX {
        return Err(GovernanceRefusal::TooMany);
    }
    Ok(vec![CaseOpened { scope: wish.scope, expires_at: wish.expires_at, by }.into()])
}

/// Whether a scope names a person.
pub(super) fn names_person(scope: &Scope, user: &str) -> bool {
    scope.users.iter().any(|subject| subject.name == user)
}
