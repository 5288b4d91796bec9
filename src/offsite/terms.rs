//! How long what is off-site is locked, by what is in force.
//!
//! Owns the reading of the policy document: the longest period that it keeps anything for. A
//! segment holds records of every kind and room, so that the longest counts for all of it; that
//! does not keep anything readable for longer, for what is due loses its keys.

use commands::{WriteSide, governance::published};
use decide::policy::InForce;
use facts::fact::{DAY_MS, Period, PolicyDocument};

use crate::backup::LockTerms;

/// A lock is at most this long, in days.
const DAYS_MAX: u32 = 36_500;

/// The terms of what is in force now.
pub(crate) fn lock_terms(write_side: &WriteSide) -> LockTerms {
    terms_of(&published(write_side))
}

fn terms_of(in_force: &InForce) -> LockTerms {
    let days = longest_days(&in_force.document);
    LockTerms { days, held: !in_force.holds.all().is_empty() }
}

/// The longest period that a document keeps anything for, in days; 0 where it says nothing.
pub(crate) fn longest_days(document: &PolicyDocument) -> u32 {
    let rules = document.policies.values();
    let periods = rules.flat_map(|rule| rule.keep_at_least.into_iter().chain(rule.keep_at_most));
    let longest = periods.chain(document.redaction.map(|rule| rule.keep)).max();
    longest.map_or(0, days)
}

/// Whole days, none too few.
fn days(period: Period) -> u32 {
    u32::try_from(period.0.div_ceil(DAY_MS)).unwrap_or(DAYS_MAX).min(DAYS_MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use decide::policy::{Hold, Holds};
    use facts::{
        LogPosition,
        fact::{PolicyRule, RedactionRule},
    };

    use super::*;

    #[test]
    fn the_longest_period_of_the_document_counts_in_whole_days() {
        let mut in_force = InForce::default();
        assert_eq!(terms_of(&in_force), LockTerms::default());
        let rule = |least: Option<u64>, most: Option<u64>| PolicyRule {
            keep_at_least: least.map(Period),
            keep_at_most: most.map(Period),
            ..PolicyRule::default()
        };
        let policies = BTreeMap::from([
            ("a".to_owned(), rule(Some(3 * DAY_MS), None)),
            ("b".to_owned(), rule(None, Some(9 * DAY_MS + 1))),
        ]);
        in_force.document = PolicyDocument { policies, ..PolicyDocument::default() };
        assert_eq!(terms_of(&in_force).days, 10);
        in_force.document.redaction = Some(RedactionRule { keep: Period::days(40), locked: false });
        assert_eq!(terms_of(&in_force).days, 40);
        in_force.document.redaction = Some(RedactionRule { keep: Period(u64::MAX), locked: false });
        assert_eq!(terms_of(&in_force).days, DAYS_MAX);
    }

    #[test]
    fn an_open_hold_is_a_legal_hold() {
        let hold = Hold { matter: "m".to_owned(), parts: BTreeMap::new() };
        let holds = Holds::new(BTreeMap::from([(LogPosition(7), hold)]));
        let in_force = InForce { holds, ..InForce::default() };
        assert!(terms_of(&in_force).held);
    }
}
