//! What a policy document must fulfil before it can be in force.
//!
//! Owns its bounds (I10) and what contradicts itself. Reading the text is `policies`' task; this
//! is asked again when a document is applied, so that no way around the reader exists.

use std::fmt;

use facts::fact::{Period, PolicyDocument, PolicyRule, RecordKind};
use ruma::{RoomId, UserId};

/// A document's text is at most so many bytes.
pub const DOCUMENT_BYTES_MAX: usize = 192 * 1024;

/// Policies of a document.
pub const POLICIES_MAX: usize = 256;

/// Rooms, and users, of one policy.
pub const NAMES_MAX: usize = 1_000;

/// Characters of a policy's name.
pub const POLICY_NAME_MAX: usize = 64;

/// Bytes of a reason.
pub const REASON_BYTES_MAX: usize = 1_024;

/// Which line of a document is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultPlace {
    /// The whole document.
    Document,
    /// A policy as a whole.
    Policy(String),
    /// A key of a policy.
    Key(String, &'static str),
}

/// What is wrong with a document that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentFault {
    /// Where.
    pub place: FaultPlace,
    /// What, and what would be right.
    pub message: String,
}

impl fmt::Display for DocumentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            FaultPlace::Document => {}
            FaultPlace::Policy(name) => write!(f, "policy {name}: ")?,
            FaultPlace::Key(name, key) => write!(f, "policy {name}, {key}: ")?,
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong; empty for a document that can be applied.
pub fn check_document(document: &PolicyDocument) -> Vec<DocumentFault> {
    let mut faults = Vec::new();
    let count = document.policies.len();
    if count > POLICIES_MAX {
        let message = format!("{count} policies; there can be {POLICIES_MAX}");
        faults.push(DocumentFault { place: FaultPlace::Document, message });
    }
    for (name, rule) in &document.policies {
        if !is_name(name) {
            let message =
                format!("a policy's name is 1 to {POLICY_NAME_MAX} of a-z, 0-9, `-` and `_`");
            faults.push(DocumentFault { place: FaultPlace::Policy(name.clone()), message });
        }
        for (key, message) in wrong_scope(rule).into_iter().chain(wrong_periods(rule)) {
            faults.push(DocumentFault { place: FaultPlace::Key(name.clone(), key), message });
        }
    }
    faults
}

fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    (1..=POLICY_NAME_MAX).contains(&name.len()) && name.chars().all(known)
}

type Wrong = Vec<(&'static str, String)>;

fn wrong_scope(rule: &PolicyRule) -> Wrong {
    let mut wrong = Wrong::new();
    if rule.records.is_empty() {
        wrong.push(("records", "names no records; it would say nothing".to_owned()));
    }
    for (key, names) in [("rooms", &rule.rooms), ("users", &rule.users)] {
        if names.len() > NAMES_MAX {
            wrong.push((key, format!("{} names; there can be {NAMES_MAX}", names.len())));
        }
    }
    if let Some(room) = rule.rooms.iter().find(|room| RoomId::parse(room.as_str()).is_err()) {
        wrong.push(("rooms", format!("{room:?} is no room id, such as \"!abc:example.org\"")));
    }
    if let Some(user) = rule.users.iter().find(|user| UserId::parse(user.as_str()).is_err()) {
        wrong.push(("users", format!("{user:?} is no user id, such as \"@ann:example.org\"")));
    }
    let roomless = |kind: &&RecordKind| {
        matches!(kind, RecordKind::ToDevice | RecordKind::Audit | RecordKind::Account)
    };
    if let Some(kind) = rule.records.iter().find(roomless).filter(|_| !rule.rooms.is_empty()) {
        let message = format!("records of the kind {:?} belong to no room", kind.name());
        wrong.push(("rooms", message));
    }
    if rule.reason.len() > REASON_BYTES_MAX {
        wrong.push(("reason", format!("is at most {REASON_BYTES_MAX} bytes")));
    }
    wrong
}

fn wrong_periods(rule: &PolicyRule) -> Wrong {
    let mut wrong = Wrong::new();
    if rule.keep_at_most.is_some() && rule.records.contains(&RecordKind::Account) {
        let message = "an account lives until it is erased; no period ends it".to_owned();
        wrong.push(("keep_at_most", message));
    }
    for (key, period) in
        [("keep_at_least", rule.keep_at_least), ("keep_at_most", rule.keep_at_most)]
    {
        if period == Some(Period(0)) {
            wrong.push((key, "is no time at all".to_owned()));
        }
    }
    match (rule.keep_at_least, rule.keep_at_most) {
        (None, None) => {
            let message = "has neither `keep_at_least` nor `keep_at_most`; it would say nothing";
            wrong.push(("records", message.to_owned()));
        }
        (Some(least), Some(most)) if least > most => {
            let message =
                format!("is longer than `keep_at_most` ({most}), which would never count");
            wrong.push(("keep_at_least", message));
        }
        _ => {}
    }
    wrong
}
