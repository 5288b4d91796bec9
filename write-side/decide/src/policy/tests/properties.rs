//! Random cases: the code agrees with the reference, and the module's promises hold.

use facts::{Timestamp, fact::RecordKind};

use super::{
    model::Model,
    random::{Case, Random, Real, case, day, part},
};
use crate::policy::{Extent, Fate, Ground, InForce, explain, fate};

const CASES: u64 = 100_000;

/// Other cases by `CHANCERY_SEED`; a failure prints its own.
fn seed() -> u64 {
    std::env::var("CHANCERY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x2026_1124)
}

fn each_case(cases: u64, check: impl Fn(&Case, &Real, &mut Random, &str)) {
    for number in 0..cases {
        let seed = seed().wrapping_add(number);
        let mut random = Random(seed);
        let case = case(&mut random);
        let real = Real::of(&case);
        check(&case, &real, &mut random, &format!("CHANCERY_SEED={seed}: {case:#?}"));
    }
}

fn of(case: &Case, real: &Real, now: Timestamp) -> Fate {
    real.with_record(case, |record, rules| fate(record, rules, now))
}

#[test]
fn a_hundred_thousand_cases_agree_with_the_reference_model() {
    let met = std::cell::RefCell::new(std::collections::BTreeMap::<&str, u64>::new());
    each_case(CASES, |case, real, _, text| {
        let ours = of(case, real, day(case.now));
        assert_eq!(ours, Model(case).fate(), "{text}");
        let name = match ours {
            Fate::Keep { until: None } => "kept for ever",
            Fate::Keep { .. } => "kept",
            Fate::Restricted { until: None, .. } => "held",
            Fate::Restricted { .. } => "restricted",
            Fate::Destroy { extent: Extent::Content, .. } => "content destroyed",
            Fate::Destroy { .. } => "destroyed",
        };
        *met.borrow_mut().entry(name).or_default() += 1;
    });
    // Agreeing on what never happens would show nothing.
    let met = met.into_inner();
    assert_eq!(met.len(), 6, "{met:?}");
    assert!(met.values().all(|count| *count > CASES / 500), "{met:?}");
}

#[test]
fn what_is_destroyed_is_hidden_and_what_is_hidden_alone_is_explained() {
    each_case(20_000, |case, real, _, text| {
        let now = day(case.now);
        real.with_record(case, |record, rules| {
            let told = explain(record, rules, now);
            assert_eq!(told.fate, fate(record, rules, now), "{text}");
            assert!(told.grounds.contains(&told.decided_by), "{text}");
            let held = rules.holds.covers(record).is_some();
            assert_eq!(held, told.grounds.iter().any(|one| matches!(one, Ground::Hold { .. })));
            let (hidden, destroyed) = (told.fate.hidden(), told.fate.destroyed());
            assert!(destroyed.is_none() || destroyed == hidden, "{text}");
            assert!(destroyed.is_none() || !held, "{text}");
            match (told.fate, told.decided_by) {
                (Fate::Restricted { until: None, .. }, Ground::Hold { .. })
                | (Fate::Keep { until: None }, Ground::Current | Ground::NoLimit) => {}
                (Fate::Restricted { until: Some(until), .. }, Ground::Floor { until: end, .. }) => {
                    assert_eq!(until, end, "{text}");
                }
                (Fate::Keep { until: Some(_) } | Fate::Destroy { .. }, ground) => {
                    let limits =
                        !matches!(ground, Ground::Hold { .. } | Ground::Current | Ground::NoLimit);
                    assert!(limits, "{text}");
                }
                other => panic!("{other:?}: {text}"),
            }
        });
    });
}

#[test]
fn a_hold_never_destroys_more_and_never_changes_what_clients_see() {
    each_case(20_000, |case, real, random, text| {
        let mut more = case.clone();
        more.holds.push(vec![part(random)]);
        let before = of(case, real, day(case.now));
        let after = of(&more, &Real::of(&more), day(case.now));
        assert!(after.destroyed().is_none() || after.destroyed() == before.destroyed(), "{text}");
        assert_eq!(after.hidden(), before.hidden(), "{text}");
    });
}

#[test]
fn a_floor_never_destroys_more() {
    each_case(20_000, |case, real, random, text| {
        let mut more = case.clone();
        let mut floor = super::random::policy(random);
        floor.least = Some(random.below(60) + 1);
        floor.most = None;
        more.policies.push(floor);
        let before = of(case, real, day(case.now));
        let after = of(&more, &Real::of(&more), day(case.now));
        assert!(after.destroyed() <= before.destroyed(), "{text}");
        assert!(after.hidden() <= before.hidden(), "{text}");
    });
}

#[test]
fn what_is_over_stays_over_while_the_rules_stay() {
    each_case(5_000, |case, real, _, text| {
        let mut before: Option<Fate> = None;
        for now in case.received..case.received + 150 {
            let after = of(case, real, day(now));
            if let Some(before) = before {
                assert!(after.hidden() >= before.hidden(), "day {now}, {text}");
                assert!(after.destroyed() >= before.destroyed(), "day {now}, {text}");
                // What was foretold comes true.
                if let Fate::Keep { until: Some(until) } = before {
                    assert_eq!(after.hidden().is_some(), day(now) >= until, "day {now}, {text}");
                }
            }
            before = Some(after);
        }
    });
}

#[test]
fn nothing_younger_than_the_shortest_ceiling_is_hidden_whole() {
    let met = std::cell::Cell::new(0_u64);
    each_case(20_000, |case, real, _, text| {
        let now = day(case.now);
        real.with_record(case, |record, rules| {
            let whole = fate(record, rules, now).hidden() == Some(Extent::Whole);
            if record.kind == RecordKind::Messages && whole {
                let document = rules.document.clone();
                let shortest = InForce { document, ..InForce::default() }
                    .shortest_ceiling(record.kind)
                    .expect("a ceiling hid it");
                assert!(record.received.0 + shortest.0 <= now.0, "{text}");
                met.set(met.get() + 1);
            }
        });
    });
    assert!(met.get() > 100, "{}", met.get());
}
