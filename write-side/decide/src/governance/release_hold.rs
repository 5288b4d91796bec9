//! Releasing a hold or parts of it: asked by one person, agreed to by another, neither of them
//! named in it.
//!
//! A release destroys nothing by itself: what the policies say of the records counts again.

use std::collections::BTreeSet;

use facts::{
    Fact, LogPosition, Timestamp,
    fact::{
        Act, CustodiansNotified, HoldExtent, HoldReleaseRejected, HoldReleaseRequested,
        HoldReleased,
    },
};

use super::{GovernanceFold, HoldInForce, HoldRefusal, check_reason, place_hold::require_holder};

/// Asks for a release; everything stays held.
pub fn request_release(
    fold: &GovernanceFold,
    hold: LogPosition,
    extent: HoldExtent,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, HoldRefusal> {
    require_holder(&fold.roles, &by.user)?;
    check_reason(&by.reason)?;
    let held = fold.holds.get(hold)?;
    refuse_custodian(held, &by.user)?;
    if held.waiting(now).is_some() {
        return Err(HoldRefusal::ReleaseWaits);
    }
    if let HoldExtent::Parts(parts) = &extent {
        check_released(held, parts)?;
    }
    Ok(vec![HoldReleaseRequested { hold, extent, by }.into()])
}

/// A second person agrees: what was asked for is released.
pub fn approve_release(
    fold: &GovernanceFold,
    request: LogPosition,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, HoldRefusal> {
    require_holder(&fold.roles, &by.user)?;
    check_reason(&by.reason)?;
    let (hold, held, waiting) = fold.holds.waiting(request, now)?;
    if waiting.requester == by.user {
        return Err(HoldRefusal::OwnRequest);
    }
    refuse_custodian(held, &by.user)?;
    // Whoever asked must still be one who may.
    require_holder(&fold.roles, &waiting.requester)?;
    Ok(vec![HoldReleased { hold, request, by }.into()])
}

/// Refuses a release, or takes it back. One person is enough: it only keeps.
pub fn reject_release(
    fold: &GovernanceFold,
    request: LogPosition,
    by: Act,
    now: Timestamp,
) -> Result<Vec<Fact>, HoldRefusal> {
    require_holder(&fold.roles, &by.user)?;
    check_reason(&by.reason)?;
    let (hold, ..) = fold.holds.waiting(request, now)?;
    Ok(vec![HoldReleaseRejected { hold, request, by }.into()])
}

/// States that custodians were told of the hold.
pub fn notify_custodians(
    fold: &GovernanceFold,
    hold: LogPosition,
    users: BTreeSet<String>,
    by: Act,
) -> Result<Vec<Fact>, HoldRefusal> {
    require_holder(&fold.roles, &by.user)?;
    check_reason(&by.reason)?;
    let custodians = fold.holds.get(hold)?.custodians();
    if let Some(other) = users.iter().find(|user| !custodians.contains(user.as_str())) {
        return Err(HoldRefusal::NotCustodian(other.clone()));
    }
    if users.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![CustodiansNotified { hold, users, by }.into()])
}

fn refuse_custodian(hold: &HoldInForce, user: &str) -> Result<(), HoldRefusal> {
    if hold.custodians().contains(user) { Err(HoldRefusal::Custodian) } else { Ok(()) }
}

fn check_released(hold: &HoldInForce, parts: &BTreeSet<u32>) -> Result<(), HoldRefusal> {
    if parts.is_empty() {
        return Err(HoldRefusal::BadParts);
    }
    if let Some(part) = parts.iter().find(|part| !hold.parts.contains_key(part)) {
        return Err(HoldRefusal::UnknownPart(*part));
    }
    if parts.len() == hold.parts.len() {
        return Err(HoldRefusal::AllParts);
    }
    Ok(())
}
