//! Reading content in a case.

use facts::{LogPosition, Timestamp};

use super::{Case, CaseStatus, GovernanceFold, GovernanceRefusal};

/// Whether `user` may read in a case now: it is in force, and the reader is an officer who asked
/// for it or approved it.
pub fn read_case<'a>(
    fold: &'a GovernanceFold,
    case: LogPosition,
    user: &str,
    now: Timestamp,
) -> Result<&'a Case, GovernanceRefusal> {
    fold.roles.require_officer(user)?;
    let found = fold.cases.get(case)?;
    if !found.names(user) {
        return Err(GovernanceRefusal::NotNamed);
    }
    match found.status(now) {
        CaseStatus::InForce => Ok(found),
        other => Err(GovernanceRefusal::NotInForce(other)),
    }
}
