//! The rules one by one, as an officer would tell them.

use std::collections::BTreeMap;

use facts::{
    LogPosition, Timestamp,
    fact::{Period, PolicyDocument, PolicyRule, RecordKind, RedactionRule, RoomRetentionRule},
};

use super::random::day;
use crate::policy::{
    Erasure, Erasures, Extent, Fate, FaultPlace, Hold, HoldPart, Holds, Record, References,
    RoomRetention, Rules, Standing, check_document, explain, fate,
};

const ALICE: &str = "@alice:example.org";
const ROOM: &str = "!hall:example.org";

fn message() -> Record<'static> {
    Record {
        room: Some(ROOM),
        owner: Some(ALICE),
        personal: true,
        ..Record::new(RecordKind::Messages, day(10))
    }
}

fn rule(least: Option<u64>, most: Option<u64>) -> PolicyRule {
    PolicyRule {
        records: RecordKind::ALL.into_iter().filter(|kind| *kind != RecordKind::Account).collect(),
        keep_at_least: least.map(Period::days),
        keep_at_most: most.map(Period::days),
        ..PolicyRule::default()
    }
}

fn document(rules: impl IntoIterator<Item = PolicyRule>) -> PolicyDocument {
    let policies = rules.into_iter().enumerate().map(|(i, rule)| (format!("p{i}"), rule)).collect();
    PolicyDocument { policies, ..PolicyDocument::default() }
}

struct World {
    document: PolicyDocument,
    holds: Holds,
    erasures: Erasures,
}

impl World {
    fn new(document: PolicyDocument) -> Self {
        Self { document, holds: Holds::default(), erasures: Erasures::default() }
    }

    fn hold(mut self, part: HoldPart) -> Self {
        let hold = Hold { matter: "Doe v. Example".to_owned(), parts: [(0, part)].into() };
        self.holds = Holds::new(BTreeMap::from([(LogPosition(90), hold)]));
        self
    }

    fn erase(mut self, user: &str, at: Timestamp) -> Self {
        let erasure = Erasure { request: LogPosition(95), at };
        self.erasures = Erasures::new([(user.to_owned(), erasure)]);
        self
    }

    fn rules(&self) -> Rules<'_> {
        Rules { document: &self.document, holds: &self.holds, erasures: &self.erasures }
    }

    fn on(&self, record: &Record<'_>, now: u64) -> Fate {
        fate(record, &self.rules(), day(now))
    }
}

fn destroyed(since: u64) -> Fate {
    Fate::Destroy { extent: Extent::Whole, since: day(since) }
}

fn kept(until: u64) -> Fate {
    Fate::Keep { until: Some(day(until)) }
}

#[test]
fn without_a_rule_everything_is_kept() {
    let world = World::new(PolicyDocument::default());
    assert_eq!(world.on(&message(), 100_000), Fate::Keep { until: None });
}

#[test]
fn the_shortest_ceiling_and_the_longest_floor_win_and_the_floor_wins_over_the_ceiling() {
    let ceilings = World::new(document([rule(None, Some(90)), rule(None, Some(30))]));
    assert_eq!(ceilings.on(&message(), 39), kept(40));
    assert_eq!(ceilings.on(&message(), 40), destroyed(40));
    let floored =
        World::new(document([rule(None, Some(30)), rule(Some(50), None), rule(Some(60), None)]));
    assert_eq!(floored.on(&message(), 69), kept(70));
    assert_eq!(floored.on(&message(), 70), destroyed(70));
}

#[test]
fn age_counts_from_what_we_received_to_the_millisecond() {
    let world = World::new(document([rule(None, Some(30))]));
    let end = day(40);
    let at = |now| fate(&message(), &world.rules(), now);
    assert_eq!(at(Timestamp(end.0 - 1)), kept(40));
    assert_eq!(at(end), destroyed(40));
}

#[test]
fn current_state_is_exempt_and_ages_from_when_it_is_superseded() {
    let world = World::new(document([rule(None, Some(30))]));
    let state = |standing| Record { kind: RecordKind::State, standing, ..message() };
    assert_eq!(world.on(&state(Standing::Current), 5_000), Fate::Keep { until: None });
    let ended = state(Standing::Ended { since: day(100) });
    assert_eq!(world.on(&ended, 129), kept(130));
    assert_eq!(world.on(&ended, 130), destroyed(130));
}

#[test]
fn a_held_record_is_hidden_at_its_ceiling_and_destroyed_when_the_hold_is_gone() {
    let ceiling = || World::new(document([rule(None, Some(30))]));
    let custodian = HoldPart { users: [ALICE.to_owned()].into(), ..HoldPart::default() };
    let held = ceiling().hold(custodian);
    assert_eq!(held.on(&message(), 39), kept(40));
    let restricted = Fate::Restricted { extent: Extent::Whole, since: day(40), until: None };
    assert_eq!(held.on(&message(), 500), restricted);
    assert_eq!(ceiling().on(&message(), 500), destroyed(40));
}

#[test]
fn a_hold_covers_whom_a_record_concerns_where_it_stood_and_when() {
    let bob = "@bob:example.org";
    let concerned = [bob];
    let invite = Record { kind: RecordKind::State, concerned: &concerned, ..message() };
    let covers = |part: HoldPart, record: &Record<'_>| {
        World::new(PolicyDocument::default()).hold(part).holds.covers(record).is_some()
    };
    let of = |user: &str| HoldPart { users: [user.to_owned()].into(), ..HoldPart::default() };
    assert!(covers(of(bob), &invite));
    assert!(!covers(of("@carol:example.org"), &invite));
    let elsewhere = HoldPart { rooms: ["!other:example.org".to_owned()].into(), ..of(bob) };
    assert!(!covers(elsewhere, &invite));
    let time =
        |from, until| HoldPart { from: Some(day(from)), until: Some(day(until)), ..of(ALICE) };
    assert!(covers(time(10, 11), &message()));
    assert!(!covers(time(11, 12), &message()));
    assert!(!covers(time(9, 10), &message()));
    // What was set before and still stood then is part of what has to be shown.
    let stood = Record { standing: Standing::Ended { since: day(50) }, ..message() };
    assert!(covers(time(49, 60), &stood) && !covers(time(51, 60), &stood));
    let current = Record { standing: Standing::Current, ..message() };
    assert!(covers(time(400, 500), &current));
}

#[test]
fn an_erasure_hides_at_once_and_destroys_when_the_floor_has_ended() {
    let world = World::new(document([rule(Some(100), None)])).erase(ALICE, day(20));
    let restricted =
        Fate::Restricted { extent: Extent::Content, since: day(20), until: Some(day(110)) };
    assert_eq!(world.on(&message(), 19), kept(20));
    assert_eq!(world.on(&message(), 20), restricted);
    let due = Fate::Destroy { extent: Extent::Content, since: day(110) };
    assert_eq!(world.on(&message(), 110), due);
    let later = Record { received: day(21), ..message() };
    assert_eq!(world.on(&later, 500), Fate::Keep { until: None });
    let not_theirs = Record { personal: false, ..message() };
    assert_eq!(world.on(&not_theirs, 500), Fate::Keep { until: None });
}

#[test]
fn a_redacted_original_is_kept_for_its_time_and_no_shorter_than_a_floor() {
    let redaction = Some(RedactionRule { keep: Period::days(7), locked: false });
    let redacted = Record { redacted: Some(day(20)), ..message() };
    let world = World::new(PolicyDocument { redaction, ..PolicyDocument::default() });
    assert_eq!(world.on(&redacted, 26), kept(27));
    let due = |since| Fate::Destroy { extent: Extent::Content, since: day(since) };
    assert_eq!(world.on(&redacted, 27), due(27));
    let floored = PolicyDocument { redaction, ..document([rule(Some(50), None)]) };
    assert_eq!(World::new(floored).on(&redacted, 59), kept(60));
    let never = World::new(PolicyDocument::default());
    assert_eq!(never.on(&redacted, 9_999), Fate::Keep { until: None });
}

#[test]
fn a_room_cannot_go_below_a_floor_nor_above_a_ceiling() {
    let asks = |max, min| Record {
        room_retention: RoomRetention { max_lifetime: max, min_lifetime: min },
        ..message()
    };
    let ms = |days| Some(Period::days(days).0);
    let heard = |rules: Vec<PolicyRule>| {
        let room_retention = Some(RoomRetentionRule { shortest: Period::days(1) });
        World::new(PolicyDocument { room_retention, ..document(rules) })
    };
    // One millisecond hides nothing below the shortest that rooms may ask for.
    assert_eq!(heard(vec![]).on(&asks(Some(1), None), 10), kept(11));
    assert_eq!(heard(vec![rule(Some(50), None)]).on(&asks(Some(1), None), 59), kept(60));
    assert_eq!(heard(vec![rule(None, Some(30))]).on(&asks(ms(90), None), 40), destroyed(40));
    assert_eq!(heard(vec![rule(None, Some(30))]).on(&asks(None, ms(90)), 40), destroyed(40));
    assert_eq!(heard(vec![rule(None, Some(30))]).on(&asks(ms(5), ms(20)), 29), kept(30));
    let unheard = World::new(PolicyDocument::default());
    assert_eq!(unheard.on(&asks(ms(1), None), 500), Fate::Keep { until: None });
    // A room's wish to keep is no duty that an erasure waits for.
    let erased = heard(vec![]).erase(ALICE, day(12));
    let due = Fate::Destroy { extent: Extent::Content, since: day(12) };
    assert_eq!(erased.on(&asks(None, ms(90)), 12), due);
}

#[test]
fn media_goes_with_its_last_reference_or_its_ceiling() {
    let media = |references| Record { kind: RecordKind::Media, references, ..message() };
    let none = World::new(PolicyDocument::default());
    assert_eq!(none.on(&media(References::Lost(day(30))), 30), destroyed(30));
    assert_eq!(none.on(&media(References::Latest(day(30))), 999), Fate::Keep { until: None });
    let ceiling = World::new(document([rule(None, Some(20))]));
    assert_eq!(ceiling.on(&media(References::Latest(day(30))), 49), kept(50));
    assert_eq!(ceiling.on(&media(References::Unknown), 30), destroyed(30));
}

#[test]
fn what_its_device_has_acknowledged_is_over_unless_held() {
    let sent = Record {
        kind: RecordKind::ToDevice,
        standing: Standing::Ended { since: day(11) },
        ..message()
    };
    assert_eq!(World::new(PolicyDocument::default()).on(&sent, 11), destroyed(11));
    let waiting = Record { standing: Standing::Current, ..sent };
    assert_eq!(
        World::new(document([rule(None, Some(1))])).on(&waiting, 99),
        Fate::Keep { until: None }
    );
}

#[test]
fn an_explanation_names_every_rule_and_the_one_that_decided() {
    let world = World::new(document([rule(Some(10), None), rule(None, Some(30))]))
        .hold(HoldPart { rooms: [ROOM.to_owned()].into(), ..HoldPart::default() });
    let told = explain(&message(), &world.rules(), day(45)).to_string();
    assert_eq!(
        told,
        "all of it is restricted since 1970-02-10 00:00:00 UTC: not shown, and kept as long as it \
         is held\n\
         decided by: hold 90 (Doe v. Example) forbids destroying it\n\
         also: policy p0 keeps it at least 10d, until 1970-01-21 00:00:00 UTC\n\
         also: policy p1 keeps it at most 30d, until 1970-02-10 00:00:00 UTC"
    );
}

#[test]
fn holds_that_touch_a_person_or_a_room_are_found_for_whole_destructions() {
    let part = |users: &[&str], rooms: &[&str]| HoldPart {
        users: users.iter().map(|name| (*name).to_owned()).collect(),
        rooms: rooms.iter().map(|name| (*name).to_owned()).collect(),
        ..HoldPart::default()
    };
    let touching = |part: HoldPart| {
        let holds = World::new(PolicyDocument::default()).hold(part).holds;
        (!holds.touching_user(ALICE).is_empty(), !holds.touching_room(ROOM).is_empty())
    };
    assert_eq!(touching(part(&[ALICE], &[])), (true, true));
    assert_eq!(touching(part(&[ALICE], &["!x:y"])), (true, false));
    assert_eq!(touching(part(&["@bob:y"], &[ROOM])), (false, true));
    assert_eq!(touching(part(&[], &["!x:y"])), (true, false));
    assert_eq!(touching(part(&[], &[])), (true, true));
}

#[test]
fn a_document_that_says_nothing_or_contradicts_itself_is_refused() {
    let fault = |rule: PolicyRule| {
        let faults = check_document(&document([rule]));
        faults.into_iter().map(|fault| fault.place).collect::<Vec<_>>()
    };
    let at = |key| vec![FaultPlace::Key("p0".to_owned(), key)];
    assert_eq!(fault(rule(Some(1), Some(1))), []);
    assert_eq!(fault(rule(None, None)), at("records"));
    assert_eq!(fault(rule(Some(2), Some(1))), at("keep_at_least"));
    assert_eq!(fault(PolicyRule { records: [].into(), ..rule(Some(1), None) }), at("records"));
    let rooms = [ROOM.to_owned()];
    let in_room = PolicyRule { rooms: rooms.into(), ..rule(Some(1), None) };
    assert_eq!(fault(in_room.clone()), at("rooms"));
    assert_eq!(fault(PolicyRule { records: [RecordKind::Messages].into(), ..in_room }), []);
    let wrong = PolicyRule { users: ["alice".to_owned()].into(), ..rule(Some(1), None) };
    assert_eq!(fault(wrong), at("users"));
    let account = PolicyRule { records: [RecordKind::Account].into(), ..rule(None, Some(1)) };
    assert_eq!(fault(account), at("keep_at_most"));
    let named = PolicyDocument {
        policies: [("No good".to_owned(), rule(Some(1), None))].into(),
        ..PolicyDocument::default()
    };
    assert_eq!(check_document(&named)[0].place, FaultPlace::Policy("No good".to_owned()));
}
