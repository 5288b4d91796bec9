//! Days of persons who are erased.
//!
//! Owns the choice between a day's leaf in the person's own tree and the leaves of single records.
//! A day goes as a whole when nothing of it is kept and the request is younger than the day; on
//! other days the records go one by one in their stream's trees, and the day's leaf stays
//! (LOG section 6). The log is in order of days, so only the day at hand is remembered.

use std::collections::HashMap;

use facts::{KeyEpoch, Timestamp};

use super::key_ranges::{Ranges, SeenTrees};

/// A tree in an epoch.
type Tree = (KeyEpoch, u32);

/// Days at hand, by the person's tree.
#[derive(Clone, Debug, Default)]
pub(super) struct ErasedDays(HashMap<Tree, Day>);

#[derive(Clone, Debug)]
struct Day {
    number: u32,
    /// Something of the day stays, or some of it was ordered already.
    broken: bool,
    /// Leaves in the streams' trees.
    leaves: Vec<(Tree, u32)>,
}

impl ErasedDays {
    /// A part of the person's stays.
    pub(super) fn kept(&mut self, person: Tree, day: u32) {
        self.at(person, day).broken = true;
    }

    /// A part of the person's is to go, because of a request of this time.
    pub(super) fn destroy(&mut self, person: Tree, day: u32, stream: (Tree, u32), at: Timestamp) {
        let of_day = self.at(person, day);
        of_day.broken |= day >= at.day();
        of_day.leaves.push(stream);
    }

    /// How many leaves wait for the end of their day.
    pub(super) fn waiting(&self) -> usize {
        self.0.values().map(|day| day.leaves.len()).sum()
    }

    /// Days before `today` are over: they go as wholes, or record by record.
    pub(super) fn end_before(&mut self, today: u32, seen: &mut SeenTrees, ranges: &mut Ranges) {
        self.0.retain(|person, day| {
            let over = day.number < today;
            if over {
                day.flush(*person, seen, ranges);
            }
            !over
        });
    }

    /// What waits goes record by record; the days go on, and are not destroyed as wholes.
    pub(super) fn flush(&mut self, ranges: &mut Ranges) {
        for day in self.0.values_mut() {
            day.broken |= !day.leaves.is_empty();
            day.one_by_one(ranges);
        }
    }

    fn at(&mut self, person: Tree, day: u32) -> &mut Day {
        self.0.entry(person).or_insert(Day { number: day, broken: false, leaves: Vec::new() })
    }
}

impl Day {
    fn flush(&mut self, person: Tree, seen: &mut SeenTrees, ranges: &mut Ranges) {
        if self.broken {
            seen.kept(person);
            self.one_by_one(ranges);
        } else if !self.leaves.is_empty() {
            ranges.destroy(seen, person, self.number);
        }
    }

    fn one_by_one(&mut self, ranges: &mut Ranges) {
        for (tree, leaf) in self.leaves.drain(..) {
            ranges.destroy_alone(tree, leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 86_400_000;
    const PERSON: Tree = (KeyEpoch(1), 7);
    const ROOM: Tree = (KeyEpoch(1), 8);

    fn asked_on(day: u64) -> Timestamp {
        Timestamp(day * DAY_MS + 5)
    }

    fn bounds(ranges: Ranges) -> Vec<(u32, u32, u32)> {
        let ranges = ranges.into_ranges();
        ranges.iter().map(|range| (range.tree, range.leaf_first, range.leaf_last)).collect()
    }

    #[test]
    fn days_of_which_nothing_is_kept_go_as_wholes_and_others_record_by_record() {
        let (mut days, mut seen) = (ErasedDays::default(), SeenTrees::default());
        let mut ranges = Ranges::default();
        for (day, leaf) in [(10, 1), (10, 2), (11, 4)] {
            days.end_before(day, &mut seen, &mut ranges);
            days.destroy(PERSON, day, (ROOM, leaf), asked_on(14));
        }
        days.end_before(12, &mut seen, &mut ranges);
        days.destroy(PERSON, 12, (ROOM, 6), asked_on(14));
        days.kept(PERSON, 12);
        days.end_before(13, &mut seen, &mut ranges);
        days.destroy(PERSON, 13, (ROOM, 7), asked_on(14));
        days.end_before(14, &mut seen, &mut ranges);
        days.destroy(PERSON, 14, (ROOM, 9), asked_on(14));
        days.end_before(15, &mut seen, &mut ranges);
        assert_eq!(bounds(ranges), [(7, 0, 11), (8, 6, 6), (7, 13, 13), (8, 9, 9)]);
    }

    #[test]
    fn a_day_that_was_begun_one_by_one_is_not_destroyed_as_a_whole() {
        let (mut days, mut seen) = (ErasedDays::default(), SeenTrees::default());
        let mut ranges = Ranges::default();
        days.destroy(PERSON, 10, (ROOM, 1), asked_on(14));
        assert_eq!(days.waiting(), 1);
        days.flush(&mut ranges);
        days.destroy(PERSON, 10, (ROOM, 2), asked_on(14));
        days.end_before(11, &mut seen, &mut ranges);
        assert_eq!(bounds(ranges), [(8, 1, 1), (8, 2, 2)]);
        assert_eq!(days.waiting(), 0);
    }
}
