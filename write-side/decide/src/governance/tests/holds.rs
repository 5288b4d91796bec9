//! Holds and erasures: who may, four eyes, what a release releases.

use std::collections::BTreeSet;

use facts::{
    Fact, LogPosition, StreamId, Timestamp,
    fact::{HoldExtent, RecordKind, Role, Scope, Subject},
};

use super::{ANN, BEN, CLEO, DAN, House, act};
use crate::{
    governance::{
        ErasureRefusal, GovernanceRefusal, HoldRefusal as No, REQUEST_DAYS, approve_release,
        notify_custodians, place_hold, reject_release, request_erasure, request_release,
        widen_hold, withdraw_erasure,
    },
    policy::Record,
};

fn part(user: &str) -> Scope {
    Scope {
        users: vec![Subject { name: user.to_owned(), stream: StreamId(7) }],
        ..Scope::default()
    }
}

impl House {
    fn decided<R: std::fmt::Debug>(&mut self, decision: Result<Vec<Fact>, R>) -> LogPosition {
        let [fact] = <[Fact; 1]>::try_from(decision.expect("allowed")).expect("one fact");
        self.given(fact)
    }

    fn hold_on(&mut self, user: &str) -> LogPosition {
        self.decided(place_hold(&self.fold, "Doe", vec![part(user)], None, act(CLEO)))
    }

    fn is_held(&self, user: &str) -> bool {
        let record =
            Record { owner: Some(user), ..Record::new(RecordKind::Messages, Timestamp(1)) };
        self.fold.in_force().holds.covers(&record).is_some()
    }
}

#[test]
fn legal_and_compliance_place_holds_and_nobody_else() {
    let mut house = House::with_cleo(Role::Legal);
    house.grant(Role::Auditor, DAN);
    let place = |house: &House, by| place_hold(&house.fold, "Doe", vec![part(DAN)], None, act(by));
    assert_eq!(place(&house, DAN), Err(No::NotForHolds));
    assert!(place(&house, ANN).is_ok());
    let hold = house.hold_on(DAN);
    assert!(house.is_held(DAN) && !house.is_held(BEN));
    assert_eq!(widen_hold(&house.fold, hold, vec![part(BEN)], act(DAN)), Err(No::NotForHolds));
    house.decided(widen_hold(&house.fold, hold, vec![part(BEN)], act(ANN)));
    assert!(house.is_held(DAN) && house.is_held(BEN));
}

#[test]
fn what_is_asked_for_wrongly_is_refused() {
    let house = House::with_cleo(Role::Legal);
    let place = |matter: &str, parts, case| place_hold(&house.fold, matter, parts, case, act(CLEO));
    assert_eq!(place(" ", vec![part(DAN)], None), Err(No::BadMatter));
    assert_eq!(place(&"x".repeat(201), vec![part(DAN)], None), Err(No::BadMatter));
    assert_eq!(place("Doe", vec![], None), Err(No::BadParts));
    assert_eq!(place("Doe", vec![part(DAN); 101], None), Err(No::BadParts));
    let empty = Err(No::Governance(GovernanceRefusal::EmptyScope));
    assert_eq!(place("Doe", vec![Scope::default()], None), empty);
    let turned = Scope { from: Some(Timestamp(2)), until: Some(Timestamp(1)), ..part(DAN) };
    let reversed = Err(No::Governance(GovernanceRefusal::DatesReversed));
    assert_eq!(place("Doe", vec![turned], None), reversed);
    let unknown = Err(No::Governance(GovernanceRefusal::UnknownCase));
    assert_eq!(place("Doe", vec![part(DAN)], Some(LogPosition(999))), unknown);
    let nowhere = widen_hold(&house.fold, LogPosition(999), vec![part(DAN)], act(CLEO));
    assert_eq!(nowhere, Err(No::UnknownHold));
}

#[test]
fn a_release_takes_two_persons_and_neither_is_a_custodian() {
    let mut house = House::with_cleo(Role::Legal);
    let hold = house.hold_on(BEN);
    let ask = |house: &House, by| {
        request_release(&house.fold, hold, HoldExtent::Whole, act(by), house.now)
    };
    assert_eq!(ask(&house, BEN), Err(No::Custodian));
    let request = house.decided(ask(&house, CLEO));
    assert!(house.is_held(BEN), "asking releases nothing");
    assert_eq!(ask(&house, ANN), Err(No::ReleaseWaits));
    let agree = |house: &House, by| approve_release(&house.fold, request, act(by), house.now);
    assert_eq!(agree(&house, CLEO), Err(No::OwnRequest));
    assert_eq!(agree(&house, BEN), Err(No::Custodian));
    assert_eq!(agree(&house, DAN), Err(No::NotForHolds));
    house.decided(agree(&house, ANN));
    assert!(!house.is_held(BEN));
    assert_eq!(agree(&house, ANN), Err(No::UnknownRequest));
    assert_eq!(ask(&house, ANN), Err(No::UnknownHold));
}

#[test]
fn a_release_that_runs_out_is_rejected_or_overtaken_releases_nothing() {
    let mut house = House::with_cleo(Role::Legal);
    let hold = house.hold_on(DAN);
    let ask =
        |house: &House| request_release(&house.fold, hold, HoldExtent::Whole, act(CLEO), house.now);
    let agree = |house: &House, request| approve_release(&house.fold, request, act(ANN), house.now);
    let request = house.decided(ask(&house));
    house.days_pass(REQUEST_DAYS);
    assert_eq!(agree(&house, request), Err(No::UnknownRequest));
    let request = house.decided(ask(&house));
    house.decided(reject_release(&house.fold, request, act(BEN), house.now));
    assert_eq!(agree(&house, request), Err(No::UnknownRequest));
    let request = house.decided(ask(&house));
    house.decided(widen_hold(&house.fold, hold, vec![part(BEN)], act(ANN)));
    assert_eq!(agree(&house, request), Err(No::UnknownRequest));
    assert!(house.is_held(DAN) && house.is_held(BEN));
}

#[test]
fn whoever_lost_the_role_meanwhile_asked_in_vain() {
    let mut house = House::with_cleo(Role::Legal);
    let hold = house.hold_on(DAN);
    let whole = HoldExtent::Whole;
    let request = house.decided(request_release(&house.fold, hold, whole, act(CLEO), house.now));
    house.given(facts::fact::RoleRevoked {
        role: Role::Legal,
        holder: CLEO.to_owned(),
        by: act(ANN),
    });
    let agreed = approve_release(&house.fold, request, act(ANN), house.now);
    assert_eq!(agreed, Err(No::NotForHolds));
}

#[test]
fn parts_are_released_one_by_one_and_keep_their_numbers() {
    let mut house = House::with_cleo(Role::Legal);
    let hold = house.hold_on(BEN);
    house.decided(widen_hold(&house.fold, hold, vec![part(DAN)], act(CLEO)));
    let ask = |house: &House, parts: &[u32]| {
        let extent = HoldExtent::Parts(parts.iter().copied().collect());
        request_release(&house.fold, hold, extent, act(CLEO), house.now)
    };
    assert_eq!(ask(&house, &[]), Err(No::BadParts));
    assert_eq!(ask(&house, &[2]), Err(No::UnknownPart(2)));
    assert_eq!(ask(&house, &[0, 1]), Err(No::AllParts));
    let request = house.decided(ask(&house, &[0]));
    house.decided(approve_release(&house.fold, request, act(ANN), house.now));
    assert!(!house.is_held(BEN) && house.is_held(DAN));
    house.decided(widen_hold(&house.fold, hold, vec![part(BEN)], act(CLEO)));
    let numbers: Vec<u32> = house.fold.holds.get(hold).unwrap().parts.keys().copied().collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn a_record_under_two_holds_stays_held_by_the_other() {
    let mut house = House::with_cleo(Role::Legal);
    let first = house.hold_on(DAN);
    house.hold_on(DAN);
    let whole = HoldExtent::Whole;
    let request = house.decided(request_release(&house.fold, first, whole, act(CLEO), house.now));
    house.decided(approve_release(&house.fold, request, act(ANN), house.now));
    assert!(house.is_held(DAN));
}

#[test]
fn custodians_are_told_once_and_only_custodians() {
    let mut house = House::with_cleo(Role::Legal);
    let hold = house.hold_on(DAN);
    let told = |house: &House, user: &str| {
        notify_custodians(&house.fold, hold, BTreeSet::from([user.to_owned()]), act(CLEO))
    };
    assert_eq!(told(&house, BEN), Err(No::NotCustodian(BEN.to_owned())));
    let first = house.now;
    house.decided(told(&house, DAN));
    house.days_pass(1);
    house.decided(told(&house, DAN));
    assert_eq!(house.fold.holds.get(hold).unwrap().notified[DAN], first);
}

#[test]
fn an_erasure_is_asked_for_by_data_protection_and_ends_when_withdrawn() {
    let mut house = House::with_cleo(Role::DataProtectionOfficer);
    let refused = request_erasure(&house.fold, DAN, act(ANN));
    assert_eq!(refused, Err(ErasureRefusal::NotDataProtection));
    let request = house.decided(request_erasure(&house.fold, DAN, act(CLEO)));
    let reaches = |house: &House, received| {
        let record = Record {
            owner: Some(DAN),
            personal: true,
            ..Record::new(RecordKind::Messages, received)
        };
        house.fold.in_force().erasures.reaching(&record).is_some()
    };
    assert!(reaches(&house, house.now));
    assert!(!reaches(&house, Timestamp(house.now.0 + 1)));
    let other = withdraw_erasure(&house.fold, LogPosition(999), act(CLEO));
    assert_eq!(other, Err(ErasureRefusal::UnknownErasure));
    house.decided(withdraw_erasure(&house.fold, request, act(CLEO)));
    assert!(!reaches(&house, house.now));
}
