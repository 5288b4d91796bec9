//! Erasures that are under way.
//!
//! Owns the snapshot of requests that have not ended, by person. A request reaches what was
//! received until it was recorded: what the person writes later is another matter.

use std::collections::HashMap;

use facts::{LogPosition, Timestamp};

use super::Record;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its position, which names it.
    pub request: LogPosition,
    /// When it was recorded.
    pub at: Timestamp,
}

/// Requests by person.
#[derive(Clone, Debug, Default)]
pub struct Erasures {
    by_user: HashMap<String, Vec<Erasure>>,
}

impl Erasures {
    /// A snapshot of these requests.
    pub fn new(requests: impl IntoIterator<Item = (String, Erasure)>) -> Self {
        let mut by_user: HashMap<String, Vec<Erasure>> = HashMap::new();
        for (user, erasure) in requests {
            by_user.entry(user).or_default().push(erasure);
        }
        for list in by_user.values_mut() {
            list.sort_by_key(|erasure| (erasure.at, erasure.request));
        }
        Self { by_user }
    }

    /// True while none is under way.
    pub fn is_empty(&self) -> bool {
        self.by_user.is_empty()
    }

    /// Whether one of a person is under way.
    pub fn of(&self, user: &str) -> bool {
        self.by_user.contains_key(user)
    }

    /// The earliest request that reaches a record.
    pub fn reaching(&self, record: &Record<'_>) -> Option<Erasure> {
        if !record.personal {
            return None;
        }
        let requests = self.by_user.get(record.owner?)?;
        requests.iter().find(|erasure| record.received <= erasure.at).copied()
    }
}
