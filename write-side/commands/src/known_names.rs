//! Streams by name, in memory: a name is given to one stream and never taken away.
//!
//! Owns a bounded copy of what the fold store says; every request asks for its user and its room.
//! Never holds that a name is missing: that may change at any time. Invariant: I10.

use std::collections::HashMap;

use facts::{StreamId, fact::StreamKind};
use parking_lot::RwLock;

/// Names that are kept; above it all are forgotten and asked for anew.
const NAMES_MAX: usize = 50_000;

/// The names.
#[derive(Debug, Default)]
pub(crate) struct KnownNames(RwLock<Names>);

#[derive(Debug, Default)]
struct Names {
    by_kind: HashMap<StreamKind, HashMap<Box<str>, StreamId>>,
    count: usize,
}

impl KnownNames {
    pub(crate) fn get(&self, kind: StreamKind, name: &str) -> Option<StreamId> {
        self.0.read().by_kind.get(&kind)?.get(name).copied()
    }

    pub(crate) fn keep(&self, kind: StreamKind, name: &str, stream: StreamId) {
        let mut names = self.0.write();
        if names.count >= NAMES_MAX {
            *names = Names::default();
        }
        let of_kind = names.by_kind.entry(kind).or_default();
        if of_kind.insert(name.into(), stream).is_none() {
            names.count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_different_kinds_do_not_meet_and_the_number_is_bounded() {
        let names = KnownNames::default();
        names.keep(StreamKind::Room, "a", StreamId(1));
        names.keep(StreamKind::Alias, "a", StreamId(2));
        assert_eq!(names.get(StreamKind::Room, "a"), Some(StreamId(1)));
        assert_eq!(names.get(StreamKind::Alias, "a"), Some(StreamId(2)));
        assert_eq!(names.get(StreamKind::User, "a"), None);
        for n in 0..NAMES_MAX as u64 {
            names.keep(StreamKind::User, &n.to_string(), StreamId(n));
        }
        assert!(names.0.read().count <= NAMES_MAX);
        assert_eq!(names.get(StreamKind::Room, "a"), None);
    }
}
