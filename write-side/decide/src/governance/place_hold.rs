//! Placing and widening a hold. One person is enough: a hold only keeps.

use facts::{
    Fact, LogPosition,
    fact::{Act, HoldPlaced, HoldWidened, Role, Scope},
};

use super::{
    GovernanceFold, HOLD_NAMES_MAX, HOLD_PARTS_MAX, HOLDS_MAX, HoldRefusal, Roles, check_reason,
    check_scope, holds::names_of,
};

/// Bytes of a matter's name.
pub const MATTER_BYTES_MAX: usize = 200;

/// Refuses everybody but compliance officers and legal.
pub fn require_holder(roles: &Roles, user: &str) -> Result<(), HoldRefusal> {
    if roles.holds(user, Role::ComplianceOfficer) || roles.holds(user, Role::Legal) {
        Ok(())
    } else {
        Err(HoldRefusal::NotForHolds)
    }
}

/// Places a hold.
pub fn place_hold(
    fold: &GovernanceFold,
    matter: &str,
    parts: Vec<Scope>,
    case: Option<LogPosition>,
    by: Act,
) -> Result<Vec<Fact>, HoldRefusal> {
    require_holder(&fold.roles, &by.user)?;
    check_reason(&by.reason)?;
    if matter.trim().is_empty() || matter.len() > MATTER_BYTES_MAX {
        return Err(HoldRefusal::BadMatter);
    }
    check_parts(fold, &parts, 0)?;
    if let Some(case) = case {
        fold.cases.get(case)?;
    }
    if fold.holds.count() >= HOLDS_MAX {
        return Err(HoldRefusal::TooMany);
    }
    Ok(vec![HoldPlaced { matter: matter.to_owned(), parts, case, by }.into()])
}

/// Adds parts to a hold. A release that waits is over by that.
pub fn widen_hold(
    fold: &GovernanceFold,
    hold: LogPosition,
    parts: Vec<Scope>,
    by: Act,
) -> Result<Vec<Fact>, HoldRefusal> {
    require_holder(&fold.roles, &by.user)?;
    check_reason(&by.reason)?;
    let numbered = fold.holds.get(hold)?.next_part;
    check_parts(fold, &parts, usize::try_from(numbered).unwrap_or(usize::MAX))?;
    Ok(vec![HoldWidened { hold, parts, by }.into()])
}

fn check_parts(fold: &GovernanceFold, parts: &[Scope], before: usize) -> Result<(), HoldRefusal> {
    if parts.is_empty() || before.saturating_add(parts.len()) > HOLD_PARTS_MAX {
        return Err(HoldRefusal::BadParts);
    }
    for part in parts {
        check_scope(part)?;
    }
    let names: usize = parts.iter().map(names_of).sum();
    if fold.holds.names() + names > HOLD_NAMES_MAX {
        return Err(HoldRefusal::TooMany);
    }
    Ok(())
}
