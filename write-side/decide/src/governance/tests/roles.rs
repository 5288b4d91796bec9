//! Roles: the first set-up, four eyes, taking away.

use std::collections::BTreeSet;

use facts::{
    LogPosition,
    fact::{Act, Role},
};

use super::{
    super::{
        AccountStanding, GovernanceRefusal as No, bootstrap_roles, reject_role, restore_roles,
        revoke_role, suspend_roles,
    },
    *,
};

use AccountStanding::{Active, Deactivated, Remote, Unknown};

fn all_active() -> BTreeSet<String> {
    [ANN, BEN, CLEO, DAN].map(str::to_owned).into()
}

#[test]
fn the_first_set_up_happens_once_and_names_two() {
    let two = |standing| [(ANN.to_owned(), Active), (BEN.to_owned(), standing)];
    let mut house = House::empty();
    assert_eq!(bootstrap_roles(&house.fold, &two(Active)[..1]), Err(No::NotTwoOfficers));
    let same = [(ANN.to_owned(), Active), (ANN.to_owned(), Active)];
    assert_eq!(bootstrap_roles(&house.fold, &same), Err(No::NotTwoOfficers));
    for (standing, refusal) in
        [(Deactivated, No::Deactivated), (Unknown, No::UnknownUser), (Remote, No::NotLocal)]
    {
        assert_eq!(bootstrap_roles(&house.fold, &two(standing)), Err(refusal));
    }
    house.when(bootstrap_roles(&house.fold, &two(Active)));
    assert!(house.fold.roles.is_officer(ANN) && house.fold.roles.is_officer(BEN));
    assert_eq!(bootstrap_roles(&house.fold, &two(Active)), Err(No::RolesExist));
}

#[test]
fn a_role_needs_two_officers_and_neither_is_the_grantee() {
    let mut house = House::set_up();
    let now = house.now;
    let ask = |house: &House, by: &str, grantee: &str| {
        request_role(&house.fold, Role::Legal, grantee, Active, act(by), now)
    };
    assert_eq!(ask(&house, CLEO, DAN), Err(No::NotOfficer));
    assert_eq!(ask(&house, ANN, ANN), Err(No::SelfGrant));
    let request = house.when(ask(&house, ANN, CLEO));
    assert_eq!(ask(&house, BEN, CLEO), Err(No::AlreadyRequested));
    let approve = |house: &House, by: &str, standing| {
        approve_role(&house.fold, request, standing, act(by), now)
    };
    assert_eq!(approve(&house, ANN, Active), Err(No::ApproverAsked));
    assert_eq!(approve(&house, CLEO, Active), Err(No::NotOfficer));
    assert_eq!(approve(&house, BEN, Deactivated), Err(No::Deactivated));
    assert!(!house.fold.roles.is_officer(CLEO), "nothing is given before the approval");
    house.when(approve(&house, BEN, Active));
    assert!(house.fold.roles.holds(CLEO, Role::Legal));
    assert_eq!(approve(&house, BEN, Active), Err(No::UnknownRequest));
    assert_eq!(ask(&house, ANN, CLEO), Err(No::AlreadyHolds));
    // Cleo, an officer now, does not approve what is for Cleo.
    let auditor = house.when(request_role(&house.fold, Role::Auditor, CLEO, Active, act(ANN), now));
    let own = approve_role(&house.fold, auditor, Active, act(CLEO), now);
    assert_eq!(own, Err(No::ApproverIsGrantee));
}

#[test]
fn only_active_accounts_of_this_server_hold_roles() {
    let house = House::set_up();
    for (standing, refusal) in
        [(Deactivated, No::Deactivated), (Unknown, No::UnknownUser), (Remote, No::NotLocal)]
    {
        let asked = request_role(&house.fold, Role::Auditor, CLEO, standing, act(ANN), house.now);
        assert_eq!(asked, Err(refusal));
    }
}

#[test]
fn a_request_waits_seven_days() {
    let mut house = House::set_up();
    let request =
        house.when(request_role(&house.fold, Role::Legal, CLEO, Active, act(ANN), house.now));
    house.days_pass(6);
    assert!(approve_role(&house.fold, request, Active, act(BEN), house.now).is_ok());
    house.days_pass(1);
    let late = approve_role(&house.fold, request, Active, act(BEN), house.now);
    assert_eq!(late, Err(No::UnknownRequest));
    assert_eq!(house.fold.roles.requests(house.now).count(), 0);
    // The same can be asked for again.
    house.when(request_role(&house.fold, Role::Legal, CLEO, Active, act(BEN), house.now));
}

#[test]
fn a_request_is_refused_or_withdrawn() {
    let mut house = House::with_cleo(Role::Auditor);
    let ask =
        |house: &House| request_role(&house.fold, Role::Legal, DAN, Active, act(ANN), house.now);
    for by in [ANN, BEN] {
        let request = house.when(ask(&house));
        let stranger = reject_role(&house.fold, request, act(CLEO), house.now);
        assert_eq!(stranger, Err(No::NotOfficer));
        house.when(reject_role(&house.fold, request, act(by), house.now));
        let late = approve_role(&house.fold, request, Active, act(BEN), house.now);
        assert_eq!(late, Err(No::UnknownRequest));
    }
    let nothing = reject_role(&house.fold, LogPosition(99), act(ANN), house.now);
    assert_eq!(nothing, Err(No::UnknownRequest));
}

#[test]
fn a_request_of_somebody_who_left_is_not_approved() {
    let mut house = House::with_cleo(Role::Legal);
    let request =
        house.when(request_role(&house.fold, Role::Auditor, DAN, Active, act(CLEO), house.now));
    let active = all_active();
    house.when(revoke_role(&house.fold, Role::Legal, CLEO, &active, act(ANN)));
    let approved = approve_role(&house.fold, request, Active, act(BEN), house.now);
    assert_eq!(approved, Err(No::RequesterIsNoOfficer));
}

#[test]
fn two_officers_are_always_left() {
    let mut house = House::set_up();
    let active = all_active();
    let officer = Role::ComplianceOfficer;
    for (holder, by) in [(ANN, BEN), (ANN, ANN)] {
        let taken = revoke_role(&house.fold, officer, holder, &active, act(by));
        assert_eq!(taken, Err(No::TooFewOfficers));
    }
    house.grant(Role::Legal, DAN);
    house.grant(Role::Auditor, CLEO);
    // An auditor's role is nobody's eyes.
    house.when(revoke_role(&house.fold, Role::Auditor, CLEO, &active, act(CLEO)));
    let unusable = [ANN, BEN].map(str::to_owned).into();
    let taken = revoke_role(&house.fold, officer, BEN, &unusable, act(ANN));
    assert_eq!(taken, Err(No::TooFewOfficers), "the third account cannot be used");
    house.when(revoke_role(&house.fold, Role::Legal, DAN, &unusable, act(ANN)));
}

#[test]
fn an_officer_with_two_roles_may_lose_one() {
    let mut house = House::with_cleo(Role::Legal);
    house.grant(Role::DataProtectionOfficer, CLEO);
    let active = all_active();
    house.when(revoke_role(&house.fold, Role::ComplianceOfficer, ANN, &active, act(BEN)));
    // Ben and Cleo are left; Cleo's second role keeps her an officer.
    house.when(revoke_role(&house.fold, Role::Legal, CLEO, &active, act(BEN)));
    let last = revoke_role(&house.fold, Role::DataProtectionOfficer, CLEO, &active, act(BEN));
    assert_eq!(last, Err(No::TooFewOfficers));
    let stranger = revoke_role(&house.fold, Role::ComplianceOfficer, BEN, &active, act(ANN));
    assert_eq!(stranger, Err(No::NotOfficer));
    let not_held = revoke_role(&house.fold, Role::Auditor, BEN, &active, act(CLEO));
    assert_eq!(not_held, Err(No::NotHeld));
}

#[test]
fn every_act_states_a_bounded_reason() {
    let house = House::set_up();
    for (reason, refusal) in
        [(String::from(" "), No::NoReason), ("x".repeat(2_001), No::ReasonTooLong)]
    {
        let by = Act { reason, ..act(ANN) };
        let asked = request_role(&house.fold, Role::Legal, CLEO, Active, by, house.now);
        assert_eq!(asked, Err(refusal));
    }
}

#[test]
fn whose_credentials_the_operator_sets_is_no_officer_until_another_one_vouches() {
    let mut house = House::set_up();
    assert!(suspend_roles(&house.fold, CLEO).is_empty(), "no role, nothing to suspend");
    house.when(Ok(suspend_roles(&house.fold, ANN)));
    let roles = &house.fold.roles;
    assert!(!roles.is_officer(ANN) && !roles.is_staff(ANN) && roles.are_suspended(ANN));
    assert!(!roles.holds(ANN, Role::ComplianceOfficer) && roles.of(ANN).next().is_some());
    assert!(suspend_roles(&house.fold, ANN).is_empty(), "once is enough");
    let restore = |house: &House, by: &str| restore_roles(&house.fold, ANN, act(by));
    assert_eq!(restore(&house, ANN), Err(No::NotOfficer), "nobody vouches for himself");
    assert_eq!(restore(&house, CLEO), Err(No::NotOfficer));
    house.when(restore(&house, BEN));
    assert!(house.fold.roles.is_officer(ANN));
    assert_eq!(restore(&house, BEN), Err(No::NotSuspended));
}
