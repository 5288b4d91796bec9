//! Leaves of key trees, gathered into as few ranges as can be.
//!
//! Owns the gathering over a walk in order of positions. A range may run over leaves that are gone
//! already or that no entry of the tree ever used, and never over one whose part is kept: what a
//! punctured keyring has to remember then follows from what is kept, not from what is destroyed.

use std::collections::HashMap;

use facts::{KeyEpoch, fact::KeyRange};

/// Trees whose last leaves are remembered; one that is forgotten only gets more ranges.
const TREES_MAX: usize = 200_000;

/// A tree in an epoch.
type Tree = (KeyEpoch, u32);

/// What the walk has seen of every tree so far.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenTrees {
    trees: HashMap<Tree, Seen>,
    /// Trees were forgotten: one that is not known may have leaves that are kept.
    forgotten: bool,
}

#[derive(Clone, Copy, Debug)]
enum Seen {
    /// The last leaf is kept.
    Kept,
    /// All leaves from this one on are gone, or are to go.
    GoneFrom(u32),
}

/// The ranges of one order, by cause of their own.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    ranges: Vec<KeyRange>,
    /// Where the open range of a tree stands.
    open: HashMap<Tree, usize>,
}

impl SeenTrees {
    /// The leaf stays.
    pub(super) fn kept(&mut self, tree: Tree) {
        self.put(tree, Seen::Kept);
    }

    /// The leaf is gone; answers the first leaf of the unbroken stretch that it ends.
    pub(super) fn gone(&mut self, tree: Tree, leaf: u32) -> u32 {
        let from = match self.trees.get(&tree) {
            Some(Seen::GoneFrom(from)) => *from,
            Some(Seen::Kept) => leaf,
            None if self.forgotten => leaf,
            None => 0,
        };
        self.put(tree, Seen::GoneFrom(from));
        from
    }

    fn put(&mut self, tree: Tree, seen: Seen) {
        if self.trees.len() >= TREES_MAX && !self.trees.contains_key(&tree) {
            self.trees.clear();
            self.forgotten = true;
        }
        self.trees.insert(tree, seen);
    }
}

impl Ranges {
    /// Adds a leaf that the walk is at.
    pub(super) fn destroy(&mut self, seen: &mut SeenTrees, tree: Tree, leaf: u32) {
        let from = seen.gone(tree, leaf);
        if let Some(open) = self.open.get(&tree)
            && let Some(range) = self.ranges.get_mut(*open)
            && range.leaf_first == from
        {
            range.leaf_last = leaf;
            return;
        }
        self.open.insert(tree, self.ranges.len());
        self.ranges.push(range(tree, from, leaf));
    }

    /// Adds a leaf that the walk has passed; next to others or not, it stands alone.
    pub(super) fn destroy_alone(&mut self, tree: Tree, leaf: u32) {
        self.ranges.push(range(tree, leaf, leaf));
    }

    pub(super) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(super) fn into_ranges(self) -> Vec<KeyRange> {
        self.ranges
    }
}

fn range((epoch, tree): Tree, leaf_first: u32, leaf_last: u32) -> KeyRange {
    KeyRange { epoch_first: epoch, epoch_last: epoch, tree, leaf_first, leaf_last }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Tree = (KeyEpoch(1), 7);
    const OTHER: Tree = (KeyEpoch(1), 8);

    fn bounds(ranges: Ranges) -> Vec<(u32, u32, u32)> {
        let ranges = ranges.into_ranges();
        ranges.iter().map(|range| (range.tree, range.leaf_first, range.leaf_last)).collect()
    }

    #[test]
    fn a_range_runs_over_what_is_gone_and_never_over_what_is_kept() {
        let (mut seen, mut ranges) = (SeenTrees::default(), Ranges::default());
        assert_eq!(seen.gone(ONE, 3), 0);
        ranges.destroy(&mut seen, ONE, 5);
        ranges.destroy(&mut seen, OTHER, 6);
        ranges.destroy(&mut seen, ONE, 9);
        seen.kept(ONE);
        ranges.destroy(&mut seen, OTHER, 10);
        ranges.destroy(&mut seen, ONE, 12);
        ranges.destroy(&mut seen, ONE, 14);
        assert_eq!(bounds(ranges), [(7, 0, 9), (8, 0, 10), (7, 12, 14)]);
        let mut next = Ranges::default();
        next.destroy(&mut seen, ONE, 20);
        assert_eq!(bounds(next), [(7, 12, 20)], "a later order goes over an earlier one");
    }

    #[test]
    fn a_tree_that_was_forgotten_may_have_leaves_that_are_kept() {
        let mut seen = SeenTrees::default();
        for tree in 0..=u32::try_from(TREES_MAX).unwrap() {
            seen.kept((KeyEpoch(1), 100 + tree));
        }
        assert_eq!(seen.gone(ONE, 5), 5);
    }
}
