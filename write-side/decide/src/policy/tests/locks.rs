//! Locks: no sequence of accepted documents keeps less, or destroys later, than what was locked.

use std::collections::BTreeMap;

use facts::fact::{Period, PolicyDocument, PolicyRule, RecordKind, RedactionRule};

use super::random::{Random, kind, policy, room, rule, user};
use crate::policy::{Missing, Weakening, weakening};

/// A probe: one kind of record of one person in one room.
type Probe = (RecordKind, String, String);

fn probes() -> Vec<Probe> {
    let mut probes = Vec::new();
    for kind in RecordKind::ALL {
        for place in 0..3 {
            for person in 0..4 {
                probes.push((kind, room(place), user(person)));
            }
        }
    }
    probes
}

fn speaks(rule: &PolicyRule, (kind, room, user): &Probe) -> bool {
    rule.records.contains(kind)
        && (rule.rooms.is_empty() || rule.rooms.contains(room))
        && (rule.users.is_empty() || rule.users.contains(user))
}

/// For each locked policy and probe, the floor and the ceiling that it promises.
fn promises(
    document: &PolicyDocument,
) -> BTreeMap<(String, Probe), (Option<Period>, Option<Period>)> {
    let mut promised = BTreeMap::new();
    for (name, rule) in document.policies.iter().filter(|(_, rule)| rule.locked) {
        for probe in probes().into_iter().filter(|probe| speaks(rule, probe)) {
            let limits = (rule.keep_at_least, rule.keep_at_most);
            promised.insert((name.clone(), probe), limits);
        }
    }
    promised
}

/// A document near another: some policies are changed a little, so that many are accepted.
fn changed(random: &mut Random, old: &PolicyDocument) -> PolicyDocument {
    let mut new = old.clone();
    for rule in new.policies.values_mut() {
        let shift = |random: &mut Random, period: Option<Period>| match (random.below(8), period) {
            (0, Some(Period(ms))) => Some(Period(ms / 2 + 1)),
            (1, Some(Period(ms))) => Some(Period(ms + 10)),
            (2, _) => None,
            (_, period) => period,
        };
        rule.keep_at_least = shift(random, rule.keep_at_least);
        rule.keep_at_most = shift(random, rule.keep_at_most);
        match random.below(12) {
            0 => rule.locked = !rule.locked,
            1 => {
                rule.rooms.pop_first();
            }
            2 => {
                rule.rooms.insert(room(random.below(3)));
            }
            3 => {
                rule.users.pop_first();
            }
            4 => {
                rule.users.insert(user(random.below(4)));
            }
            5 => {
                rule.records.pop_first();
            }
            6 => {
                rule.records.insert(kind(random.below(7)));
            }
            _ => {}
        }
    }
    if random.once_in(3) {
        let mut added = rule(&policy(random));
        added.locked = random.once_in(2);
        new.policies.insert(format!("p{}", random.below(4)), added);
    }
    if random.once_in(6) {
        new.policies.remove(&format!("p{}", random.below(4)));
    }
    if random.once_in(3) {
        let keep = Period::days(random.below(30) + 1);
        new.redaction = Some(RedactionRule { keep, locked: random.once_in(2) });
    }
    new
}

#[test]
fn no_accepted_sequence_weakens_a_lock() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..400 {
        let mut random = Random(seed);
        let mut in_force = PolicyDocument::default();
        for _ in 0..30 {
            let wish = changed(&mut random, &in_force);
            if !weakening(&in_force, &wish).is_empty() {
                refused += 1;
                continue;
            }
            accepted += 1;
            let after = promises(&wish);
            for (key, (floor, ceiling)) in promises(&in_force) {
                let (new_floor, new_ceiling) = after
                    .get(&key)
                    .unwrap_or_else(|| panic!("seed {seed}: {key:?} is no longer covered"));
                assert!(floor.is_none_or(|old| new_floor.is_some_and(|new| new >= old)), "{seed}");
                assert!(
                    ceiling.is_none_or(|old| new_ceiling.is_some_and(|new| new <= old)),
                    "{seed}"
                );
            }
            if let Some(old) = in_force.redaction.filter(|rule| rule.locked) {
                let new = wish.redaction.expect("a locked time stays");
                assert!(new.locked && new.keep >= old.keep, "seed {seed}");
            }
            in_force = wish;
        }
    }
    assert!(accepted > 500 && refused > 500, "{accepted} accepted, {refused} refused");
}

fn locked() -> PolicyRule {
    PolicyRule {
        records: [RecordKind::Messages, RecordKind::State].into(),
        rooms: [room(0), room(1)].into(),
        keep_at_least: Some(Period::days(100)),
        keep_at_most: Some(Period::days(200)),
        locked: true,
        ..PolicyRule::default()
    }
}

fn with(rule: PolicyRule) -> PolicyDocument {
    PolicyDocument { policies: [("l".to_owned(), rule)].into(), ..PolicyDocument::default() }
}

#[test]
fn each_way_of_weakening_is_named() {
    let against = |change: fn(&mut PolicyRule)| {
        let mut rule = locked();
        change(&mut rule);
        weakening(&with(locked()), &with(rule))
    };
    let policy = || "l".to_owned();
    assert_eq!(
        weakening(&with(locked()), &PolicyDocument::default()),
        [Weakening::Removed { policy: policy() }]
    );
    assert_eq!(against(|rule| rule.locked = false), [Weakening::Unlocked { policy: policy() }]);
    assert_eq!(
        against(|rule| rule.keep_at_least = Some(Period::days(99))),
        [Weakening::FloorShortened {
            policy: policy(),
            from: Period::days(100),
            to: Some(Period::days(99))
        }]
    );
    assert_eq!(
        against(|rule| rule.keep_at_most = None),
        [Weakening::CeilingLengthened { policy: policy(), from: Period::days(200), to: None }]
    );
    assert_eq!(
        against(|rule| {
            rule.records.remove(&RecordKind::State);
        }),
        [Weakening::RecordsNarrowed { policy: policy(), kind: RecordKind::State }]
    );
    assert_eq!(
        against(|rule| {
            rule.rooms.remove(&room(1));
        }),
        [Weakening::RoomsNarrowed { policy: policy(), missing: Missing::Name(room(1)) }]
    );
    assert_eq!(
        against(|rule| {
            rule.users.insert(user(1));
        }),
        [Weakening::UsersNarrowed { policy: policy(), missing: Missing::All }]
    );
    let both = against(|rule| {
        rule.locked = false;
        rule.keep_at_most = Some(Period::days(201));
    });
    assert_eq!(both.len(), 2);
}

#[test]
fn stricter_is_allowed() {
    let against = |change: fn(&mut PolicyRule)| {
        let mut rule = locked();
        change(&mut rule);
        weakening(&with(locked()), &with(rule))
    };
    assert_eq!(against(|rule| rule.keep_at_least = Some(Period::days(101))), []);
    assert_eq!(against(|rule| rule.keep_at_most = Some(Period::days(150))), []);
    assert_eq!(against(|rule| rule.rooms.clear()), []);
    assert_eq!(
        against(|rule| {
            rule.rooms.insert(room(2));
        }),
        []
    );
    assert_eq!(
        against(|rule| {
            rule.records.insert(RecordKind::Media);
        }),
        []
    );
    assert_eq!(against(|rule| rule.reason = "clearer".to_owned()), []);
}

#[test]
fn a_refusal_says_which_line_and_what_is_in_force() {
    let shortened = Weakening::FloorShortened {
        policy: "broker".to_owned(),
        from: "7y".parse().unwrap(),
        to: Some("6y".parse().unwrap()),
    };
    assert_eq!(
        shortened.to_string(),
        "policy broker is locked: `keep_at_least` is 7y and can only grow; the document says 6y"
    );
}
