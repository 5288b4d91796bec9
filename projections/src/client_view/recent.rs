//! What changed lately, in memory: "anything since?" then costs no scan.
//!
//! Owns a bounded tail of the changes that the follower committed: which log of changes has a row
//! at which position. A scan opens a cursor on every table of the store that overlaps it, also to
//! find nothing; most questions of an incremental `/sync` find nothing. What the tail does not
//! cover (after a start, for somebody long away) is answered by the rows as before, so it can be
//! forgotten at any time. Invariant: I10.

use std::collections::VecDeque;

use facts::{LogPosition, StreamId};
use parking_lot::Mutex;

/// Changes that are remembered, at most.
const CHANGES_MAX: usize = 4_096;
/// Changes that one question looks at; behind that, a scan is as good.
const STEPS_MAX: usize = 512;

/// A log of changes that got a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The room moved.
    Moved(StreamId),
    /// The room's state.
    State(StreamId),
    /// A receipt in the room.
    Receipt(StreamId),
    /// The devices or keys of a member of the room.
    DeviceLists(StreamId),
    /// The user's account data.
    AccountData(StreamId),
    /// The user's memberships.
    Membership(StreamId),
    /// Another person's key got the user's signature.
    Signed(StreamId),
}

/// The tail; shared by the follower and all snapshots.
#[derive(Debug, Default)]
pub(crate) struct RecentChanges(Mutex<Tail>);

#[derive(Debug, Default)]
struct Tail {
    /// In order of positions.
    changes: VecDeque<(LogPosition, Change)>,
    /// Every change after `from`, up to and including `upto`, is in `changes`; `None` before the
    /// first commit.
    covered: Option<(LogPosition, LogPosition)>,
}

impl RecentChanges {
    /// The follower committed everything up to `upto`, with these changes; it had committed
    /// everything up to just before `first` already.
    pub(crate) fn committed(
        &self,
        first: LogPosition,
        changes: &mut Vec<(LogPosition, Change)>,
        upto: LogPosition,
    ) {
        let mut tail = self.0.lock();
        let before = LogPosition(first.0.saturating_sub(1));
        let mut from = match tail.covered {
            Some((from, known)) if known == before => from,
            _ => {
                tail.changes.clear();
                before
            }
        };
        for change in changes.drain(..) {
            if tail.changes.len() >= CHANGES_MAX
                && let Some((gone, _)) = tail.changes.pop_front()
            {
                from = from.max(gone);
            }
            tail.changes.push_back(change);
        }
        tail.covered = Some((from, upto));
    }

    /// True where every change with `since < position <= upto` is known.
    pub(crate) fn covers(&self, since: LogPosition, upto: LogPosition) -> bool {
        let covered = self.0.lock().covered;
        covered.is_some_and(|(from, known)| since >= from && upto <= known)
    }

    /// Looks at the changes with `since < position <= upto`, the latest first; `None` where they
    /// are not all known, or too many.
    fn each(
        &self,
        since: LogPosition,
        upto: LogPosition,
        mut visit: impl FnMut(Change) -> bool,
    ) -> Option<()> {
        let tail = self.0.lock();
        let (from, known) = tail.covered?;
        if since < from || upto > known {
            return None;
        }
        let after = tail.changes.iter().rev().take_while(|(at, _)| *at > since);
        for (step, (at, change)) in after.enumerate() {
            if step == STEPS_MAX {
                return None;
            }
            if *at <= upto && visit(*change) {
                break;
            }
        }
        Some(())
    }

    /// False if there was no such change with `since < position <= upto`; true if there was, or
    /// if that is not known.
    pub(crate) fn may_hold(&self, change: Change, since: LogPosition, upto: LogPosition) -> bool {
        let mut found = false;
        let known = self.each(since, upto, |other| {
            found = other == change;
            found
        });
        found || known.is_none()
    }

    /// The rooms that moved with `since < position <= upto`, in order; `None` if not known.
    pub(crate) fn moved(&self, since: LogPosition, upto: LogPosition) -> Option<Vec<StreamId>> {
        let mut rooms = Vec::new();
        self.each(since, upto, |change| {
            if let Change::Moved(room) = change {
                rooms.push(room);
            }
            false
        })?;
        rooms.sort_unstable();
        rooms.dedup();
        Some(rooms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(recent: &RecentChanges, first: u64, rooms: &[(u64, u64)], upto: u64) {
        let mut changes: Vec<_> = rooms
            .iter()
            .map(|(at, room)| (LogPosition(*at), Change::Moved(StreamId(*room))))
            .collect();
        recent.committed(LogPosition(first), &mut changes, LogPosition(upto));
    }

    fn moved(recent: &RecentChanges, since: u64, upto: u64) -> Option<Vec<u64>> {
        let rooms = recent.moved(LogPosition(since), LogPosition(upto))?;
        Some(rooms.into_iter().map(|room| room.0).collect())
    }

    #[test]
    fn it_answers_for_what_it_covers_and_for_nothing_else() {
        let recent = RecentChanges::default();
        assert_eq!(moved(&recent, 0, 0), None, "nothing was committed");
        commit(&recent, 10, &[(11, 2), (12, 1), (12, 2)], 14);
        assert_eq!(moved(&recent, 8, 14), None, "before the tail");
        let covers = |since, upto| recent.covers(LogPosition(since), LogPosition(upto));
        assert!(!covers(8, 14) && covers(9, 14) && covers(11, 11) && !covers(12, 15));
        assert_eq!(moved(&recent, 9, 14), Some(vec![1, 2]));
        assert_eq!(moved(&recent, 11, 14), Some(vec![1, 2]));
        assert_eq!(moved(&recent, 9, 11), Some(vec![2]), "an older snapshot");
        assert_eq!(moved(&recent, 12, 14), Some(vec![]));
        assert_eq!(moved(&recent, 12, 15), None, "a snapshot that is ahead of the tail");
        let may = |room, since| {
            recent.may_hold(Change::Moved(StreamId(room)), LogPosition(since), LogPosition(14))
        };
        assert!(may(2, 9) && !may(3, 9) && !may(2, 12) && may(3, 8));
        commit(&recent, 15, &[(15, 5)], 15);
        assert_eq!(moved(&recent, 12, 15), Some(vec![5]));
        commit(&recent, 17, &[], 17);
        assert_eq!(moved(&recent, 15, 17), None, "entry 16 is not known");
        assert_eq!(moved(&recent, 16, 17), Some(vec![]));
    }

    #[test]
    fn it_is_bounded_and_says_what_it_forgot() {
        let recent = RecentChanges::default();
        let rooms: Vec<_> = (1..=2 * CHANGES_MAX as u64).map(|at| (at, at)).collect();
        commit(&recent, 1, &rooms, 2 * CHANGES_MAX as u64);
        assert_eq!(recent.0.lock().changes.len(), CHANGES_MAX);
        let (first, last) = (CHANGES_MAX as u64, 2 * CHANGES_MAX as u64);
        assert_eq!(moved(&recent, first - 1, first + 1), None, "forgotten");
        assert_eq!(moved(&recent, first, last), None, "more than one question looks at");
        assert_eq!(moved(&recent, last - 2, last), Some(vec![last - 1, last]));
    }
}
