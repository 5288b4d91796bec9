//! What a locked policy does not allow any more.
//!
//! Owns what *stricter* means. From when a document with `locked = true` is applied:
//!
//! - the policy stays, under its name, and stays locked;
//! - its floor can be lengthened, never shortened or dropped: the lock protects what is kept;
//! - its ceiling can be shortened, never lengthened or dropped: it protects what was promised to
//!   be destroyed. A floor or ceiling that it did not have can be added;
//! - its scope can be widened (more kinds of records, rooms, persons; or all of them), never
//!   narrowed;
//! - a locked time for redacted originals can be lengthened.
//!
//! Other policies need no care: another ceiling does not reach below a locked floor, for floors
//! win; and what keeps longer than a locked ceiling, a floor or a hold, is always allowed.

use std::collections::BTreeSet;

use facts::fact::{Period, PolicyDocument, PolicyRule, RecordKind};

/// What a list of names no longer covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It covered everything, by naming nothing.
    All,
    /// The first name that it covered.
    Name(String),
}

/// One line of a new document that a lock of the one in force refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakening {
    /// The policy is gone.
    #[error("policy {policy} is locked and cannot be removed or renamed")]
    Removed {
        /// Its name.
        policy: String,
    },
    /// The lock is gone.
    #[error("policy {policy} is locked and cannot be unlocked")]
    Unlocked {
        /// Its name.
        policy: String,
    },
    /// The floor is shorter, or gone.
    #[error(
        "policy {policy} is locked: `keep_at_least` is {from} and can only grow{}", said(*.to)
    )]
    FloorShortened {
        /// Its name.
        policy: String,
        /// What is in force.
        from: Period,
        /// What the new document says.
        to: Option<Period>,
    },
    /// The ceiling is longer, or gone.
    #[error(
        "policy {policy} is locked: `keep_at_most` is {from} and can only shrink{}", said(*.to)
    )]
    CeilingLengthened {
        /// Its name.
        policy: String,
        /// What is in force.
        from: Period,
        /// What the new document says.
        to: Option<Period>,
    },
    /// A kind of records is missing.
    #[error("policy {policy} is locked: `records` must go on naming {:?}", .kind.name())]
    RecordsNarrowed {
        /// Its name.
        policy: String,
        /// The kind that is missing.
        kind: RecordKind,
    },
    /// A room, or "all rooms", is missing.
    #[error("policy {policy} is locked: `rooms` must go on covering {}", covering(.missing, "rooms"))]
    RoomsNarrowed {
        /// Its name.
        policy: String,
        /// What is missing.
        missing: Missing,
    },
    /// A person, or "everybody", is missing.
    #[error("policy {policy} is locked: `users` must go on covering {}", covering(.missing, "users"))]
    UsersNarrowed {
        /// Its name.
        policy: String,
        /// What is missing.
        missing: Missing,
    },
    /// The lock on redacted originals is gone.
    #[error("[redaction] is locked and cannot be removed or unlocked")]
    RedactionUnlocked,
    /// Redacted originals would be kept for a shorter time.
    #[error("[redaction] is locked: `keep` is {from} and can only grow; the document says {to}")]
    RedactionShortened {
        /// What is in force.
        from: Period,
        /// What the new document says.
        to: Period,
    },
}

fn said(to: Option<Period>) -> String {
    match to {
        Some(to) => format!("; the document says {to}"),
        None => "; the document does not have it".to_owned(),
    }
}

fn covering(missing: &Missing, names: &str) -> String {
    match missing {
        Missing::All => format!("all {names}"),
        Missing::Name(name) => name.clone(),
    }
}

/// Everything in `new` that a lock of `old` refuses; empty where it may be applied.
pub fn weakening(old: &PolicyDocument, new: &PolicyDocument) -> Vec<Weakening> {
    let mut found = Vec::new();
    for (policy, locked) in old.policies.iter().filter(|(_, rule)| rule.locked) {
        let policy = policy.clone();
        match new.policies.get(&policy) {
            None => found.push(Weakening::Removed { policy }),
            Some(rule) => {
                if !rule.locked {
                    found.push(Weakening::Unlocked { policy: policy.clone() });
                }
                weaker_periods(&policy, locked, rule, &mut found);
                narrower_scope(&policy, locked, rule, &mut found);
            }
        }
    }
    found.extend(weaker_redaction(old, new));
    found
}

fn weaker_periods(policy: &str, old: &PolicyRule, new: &PolicyRule, found: &mut Vec<Weakening>) {
    let policy = || policy.to_owned();
    if let Some(from) = old.keep_at_least
        && new.keep_at_least.is_none_or(|to| to < from)
    {
        let to = new.keep_at_least;
        found.push(Weakening::FloorShortened { policy: policy(), from, to });
    }
    if let Some(from) = old.keep_at_most
        && new.keep_at_most.is_none_or(|to| to > from)
    {
        let to = new.keep_at_most;
        found.push(Weakening::CeilingLengthened { policy: policy(), from, to });
    }
}

fn narrower_scope(policy: &str, old: &PolicyRule, new: &PolicyRule, found: &mut Vec<Weakening>) {
    let policy = || policy.to_owned();
    for kind in old.records.difference(&new.records) {
        found.push(Weakening::RecordsNarrowed { policy: policy(), kind: *kind });
    }
    if let Some(missing) = narrower(&old.rooms, &new.rooms) {
        found.push(Weakening::RoomsNarrowed { policy: policy(), missing });
    }
    if let Some(missing) = narrower(&old.users, &new.users) {
        found.push(Weakening::UsersNarrowed { policy: policy(), missing });
    }
}

/// What a list of names no longer covers; an empty list covers everything.
fn narrower(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Option<Missing> {
    match (old.is_empty(), new.is_empty()) {
        (_, true) => None,
        (true, false) => Some(Missing::All),
        (false, false) => old.difference(new).next().cloned().map(Missing::Name),
    }
}

fn weaker_redaction(old: &PolicyDocument, new: &PolicyDocument) -> Option<Weakening> {
    let locked = old.redaction.filter(|rule| rule.locked)?;
    match new.redaction.filter(|rule| rule.locked) {
        None => Some(Weakening::RedactionUnlocked),
        Some(rule) if rule.keep < locked.keep => {
            Some(Weakening::RedactionShortened { from: locked.keep, to: rule.keep })
        }
        Some(_) => None,
    }
}
