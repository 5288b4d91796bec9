//! Policies: who applies them, versions, and that nobody lifts a lock.

use facts::{
    Fact,
    fact::{Act, Period, PolicyDocument, PolicyRule, RecordKind, Role},
};

use super::{ANN, CLEO, House, act};
use crate::{
    governance::{ApplyPolicy, GovernanceRefusal, PolicyRefusal as No, apply_policy},
    policy::{DOCUMENT_BYTES_MAX, Weakening},
};

fn wish(days: u64, locked: bool, based_on: u64) -> ApplyPolicy {
    let rule = PolicyRule {
        records: [RecordKind::Messages].into(),
        keep_at_least: Some(Period::days(days)),
        locked,
        ..PolicyRule::default()
    };
    ApplyPolicy {
        text: format!("{days} {locked}"),
        document: PolicyDocument {
            policies: [("p".to_owned(), rule)].into(),
            ..PolicyDocument::default()
        },
        based_on,
    }
}

fn applied(house: &mut House, wish: &ApplyPolicy) {
    let facts = apply_policy(&house.fold, wish, act(ANN)).expect("allowed");
    let [fact] = <[Fact; 1]>::try_from(facts).expect("one fact");
    house.given(fact);
}

#[test]
fn compliance_officers_apply_policies_and_versions_count_up() {
    let mut house = House::with_cleo(Role::Legal);
    let by = |who: &str| apply_policy(&house.fold, &wish(10, false, 0), act(who));
    assert_eq!(by(CLEO), Err(No::NotCompliance));
    let silent = Act { reason: " ".to_owned(), ..act(ANN) };
    let refused = apply_policy(&house.fold, &wish(10, false, 0), silent);
    assert_eq!(refused, Err(No::Governance(GovernanceRefusal::NoReason)));
    applied(&mut house, &wish(10, false, 0));
    assert_eq!(house.fold.policies.version, 1);
    let stale = apply_policy(&house.fold, &wish(5, false, 0), act(ANN));
    assert_eq!(stale, Err(No::Outdated { in_force: 1, based_on: 0 }));
    let same = apply_policy(&house.fold, &wish(10, false, 1), act(ANN));
    assert_eq!(same, Err(No::Unchanged));
    applied(&mut house, &wish(5, false, 1));
    assert_eq!(house.fold.in_force().version, 2);
    assert_eq!(house.fold.in_force().document, wish(5, false, 1).document);
}

#[test]
fn nobody_lifts_a_lock() {
    let mut house = House::set_up();
    applied(&mut house, &wish(10, true, 0));
    let refused = apply_policy(&house.fold, &wish(9, true, 1), act(ANN));
    let shortened = Weakening::FloorShortened {
        policy: "p".to_owned(),
        from: Period::days(10),
        to: Some(Period::days(9)),
    };
    assert_eq!(refused, Err(No::Locked(vec![shortened])));
    let unlocked = apply_policy(&house.fold, &wish(20, false, 1), act(ANN));
    let lock = Weakening::Unlocked { policy: "p".to_owned() };
    assert_eq!(unlocked, Err(No::Locked(vec![lock])));
    applied(&mut house, &wish(20, true, 1));
}

#[test]
fn faulty_and_long_documents_are_refused() {
    let house = House::set_up();
    let mut empty = wish(10, false, 0);
    empty.document.policies.get_mut("p").unwrap().records.clear();
    let faulty = apply_policy(&house.fold, &empty, act(ANN));
    assert!(matches!(faulty, Err(No::Faulty(faults)) if faults.len() == 1));
    let long = ApplyPolicy { text: "x".repeat(DOCUMENT_BYTES_MAX + 1), ..wish(10, false, 0) };
    assert_eq!(apply_policy(&house.fold, &long, act(ANN)), Err(No::TooLong));
}
