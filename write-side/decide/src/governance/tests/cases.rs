//! Cases: scope, four eyes, time, who reads.

use facts::{
    Fact, LogPosition, StreamId, Timestamp,
    fact::{Role, Scope, Subject},
};

use super::{
    super::{
        CaseStatus, ENDED_CASES_KEPT_MAX, GovernanceRefusal as No, OpenCase, SCOPE_SUBJECTS_MAX,
        approve_case, close_case, open_case, read_case, reject_case,
    },
    *,
};

fn subject(name: &str, stream: u64) -> Subject {
    Subject { name: name.to_owned(), stream: StreamId(stream) }
}

fn about(user: &str) -> Scope {
    Scope { users: vec![subject(user, 9)], ..Scope::default() }
}

fn wish(house: &House, scope: Scope) -> OpenCase {
    let expires_at = Timestamp(house.now.0 + 30 * DAY);
    OpenCase { scope, expires_at, member_of_scope: false }
}

fn ask(house: &House, by: &str, scope: Scope) -> Result<Vec<Fact>, No> {
    open_case(&house.fold, wish(house, scope), act(by), house.now)
}

#[test]
fn a_case_is_approved_by_a_second_officer_outside_of_its_scope() {
    let mut house = House::with_cleo(Role::Legal);
    assert_eq!(ask(&house, DAN, about(CLEO)), Err(No::NotOfficer));
    assert_eq!(ask(&house, CLEO, about(CLEO)), Err(No::InScope));
    let case = house.when(ask(&house, ANN, about(CLEO)));
    let now = house.now;
    let approve =
        |house: &House, by: &str, member| approve_case(&house.fold, case, member, act(by), now);
    assert_eq!(approve(&house, ANN, false), Err(No::ApproverAsked));
    assert_eq!(approve(&house, CLEO, false), Err(No::InScope));
    assert_eq!(approve(&house, BEN, true), Err(No::InScope));
    assert_eq!(approve(&house, DAN, false), Err(No::NotOfficer));
    let early = read_case(&house.fold, case, ANN, now).map(|_| ());
    assert_eq!(early, Err(No::NotInForce(CaseStatus::Pending)));
    house.when(approve(&house, BEN, false));
    assert_eq!(approve(&house, BEN, false), Err(No::NotPending(CaseStatus::InForce)));
    for reader in [ANN, BEN] {
        assert!(read_case(&house.fold, case, reader, now).is_ok());
    }
    let other = read_case(&house.fold, case, CLEO, now).map(|_| ());
    assert_eq!(other, Err(No::NotNamed));
    let unknown = read_case(&house.fold, LogPosition(77), ANN, now).map(|_| ());
    assert_eq!(unknown, Err(No::UnknownCase));
}

#[test]
fn a_member_of_a_room_in_the_scope_does_not_ask() {
    let house = House::set_up();
    let scope = Scope { rooms: vec![subject("!room:example.org", 5)], ..Scope::default() };
    let wish = OpenCase { member_of_scope: true, ..wish(&house, scope) };
    assert_eq!(open_case(&house.fold, wish, act(ANN), house.now), Err(No::InScope));
}

#[test]
fn a_scope_that_makes_no_sense_is_refused() {
    let house = House::set_up();
    assert_eq!(ask(&house, ANN, Scope::default()), Err(No::EmptyScope));
    let dates = |from, until| Scope {
        from: Some(Timestamp(from)),
        until: Some(Timestamp(until)),
        ..about(CLEO)
    };
    assert_eq!(ask(&house, ANN, dates(5, 5)), Err(No::DatesReversed));
    assert_eq!(ask(&house, ANN, dates(6, 5)), Err(No::DatesReversed));
    assert!(ask(&house, ANN, dates(5, 6)).is_ok());
    let twice = Scope { users: vec![subject(CLEO, 9); 2], ..Scope::default() };
    assert_eq!(ask(&house, ANN, twice), Err(No::ScopeTooLarge));
    let many = (0..=SCOPE_SUBJECTS_MAX as u64).map(|n| subject("@x:y", n)).collect();
    let many = Scope { users: many, ..Scope::default() };
    assert_eq!(ask(&house, ANN, many), Err(No::ScopeTooLarge));
}

#[test]
fn a_case_ends_by_its_time_which_is_bounded() {
    let mut house = House::set_up();
    let until = |house: &House, at: u64| {
        let wish = OpenCase { expires_at: Timestamp(at), ..wish(house, about(CLEO)) };
        open_case(&house.fold, wish, act(ANN), house.now)
    };
    assert_eq!(until(&house, house.now.0), Err(No::ExpiryPassed));
    assert_eq!(until(&house, house.now.0 + 366 * DAY + 1), Err(No::ExpiryTooFar));
    assert!(until(&house, house.now.0 + 366 * DAY).is_ok());
    let case = house.when(ask(&house, ANN, about(CLEO)));
    house.when(approve_case(&house.fold, case, false, act(BEN), house.now));
    house.days_pass(29);
    assert!(read_case(&house.fold, case, ANN, house.now).is_ok());
    house.days_pass(1);
    let late = read_case(&house.fold, case, ANN, house.now).map(|_| ());
    assert_eq!(late, Err(No::NotInForce(CaseStatus::Expired)));
    let closed = close_case(&house.fold, case, act(ANN), house.now);
    assert_eq!(closed, Err(No::NotInForce(CaseStatus::Expired)));
}

#[test]
fn a_case_that_was_never_approved_runs_out_too() {
    let mut house = House::set_up();
    let case = house.when(ask(&house, ANN, about(CLEO)));
    house.days_pass(30);
    let late = approve_case(&house.fold, case, false, act(BEN), house.now);
    assert_eq!(late, Err(No::NotPending(CaseStatus::Expired)));
}

#[test]
fn a_case_is_rejected_or_closed_by_anybody_but_whom_it_names() {
    let mut house = House::with_cleo(Role::Legal);
    let case = house.when(ask(&house, ANN, about(CLEO)));
    assert_eq!(reject_case(&house.fold, case, act(CLEO), house.now), Err(No::InScope));
    assert_eq!(reject_case(&house.fold, case, act(DAN), house.now), Err(No::NotOfficer));
    house.when(reject_case(&house.fold, case, act(BEN), house.now));
    let again = approve_case(&house.fold, case, false, act(BEN), house.now);
    assert_eq!(again, Err(No::NotPending(CaseStatus::Rejected)));

    let case = house.when(ask(&house, ANN, about(CLEO)));
    house.when(approve_case(&house.fold, case, false, act(BEN), house.now));
    assert_eq!(close_case(&house.fold, case, act(CLEO), house.now), Err(No::InScope));
    let late = reject_case(&house.fold, case, act(BEN), house.now);
    assert_eq!(late, Err(No::NotPending(CaseStatus::InForce)));
    house.when(close_case(&house.fold, case, act(ANN), house.now));
    let read = read_case(&house.fold, case, ANN, house.now).map(|_| ());
    assert_eq!(read, Err(No::NotInForce(CaseStatus::Closed)));
}

#[test]
fn whoever_lost_the_role_reads_no_more() {
    let mut house = House::with_cleo(Role::Legal);
    let case = house.when(ask(&house, CLEO, about(DAN)));
    house.when(approve_case(&house.fold, case, false, act(BEN), house.now));
    let active = [ANN, BEN, CLEO].map(str::to_owned).into();
    house.when(super::super::revoke_role(&house.fold, Role::Legal, CLEO, &active, act(ANN)));
    let read = read_case(&house.fold, case, CLEO, house.now).map(|_| ());
    assert_eq!(read, Err(No::NotOfficer));
}

#[test]
fn the_fold_keeps_a_bounded_number_of_cases_that_are_over() {
    let mut house = House::set_up();
    let header = |n: usize| crate::user::tests::header(100 + n as u64, house.now);
    let mut fold = std::mem::take(&mut house.fold);
    for n in 0..ENDED_CASES_KEPT_MAX + 10 {
        let scope = about(CLEO);
        let opened = facts::fact::CaseOpened { scope, expires_at: house.now, by: act(ANN) };
        fold.evolve(&header(n), &opened.into());
    }
    assert_eq!(fold.cases.iter().count(), ENDED_CASES_KEPT_MAX + 1);
    assert_eq!(fold.cases.get(LogPosition(100)), Err(No::UnknownCase));
}
