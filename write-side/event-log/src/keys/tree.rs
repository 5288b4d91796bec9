//! The puncturable key tree of one epoch (GGM), and what is left of it.
//!
//! Owns the tree in memory: 64 levels, index = tree number (32 bits) ‖ leaf (32 bits). It starts
//! as its root. Destroying a leaf keeps the siblings along its path and drops everything that
//! could derive it. Invariant: I6; no node that is left is an ancestor of a destroyed leaf.
//!
//! **Cost.** With `w` nodes left and `g` maximal destroyed subtrees the encoding takes at most
//! 33w + 2g bytes. One leaf destroyed in a fresh epoch leaves one sibling on each of 64 levels
//! (2,113 bytes), the first one in a fresh tree beside punctured ones 32 and a few. What follows
//! shares the upper part of the path: isolated leaves about `s` apart in one tree leave log2(s)
//! nodes each, 33·log2(s) + 2 bytes: 330 for s = 1,000, below 400 up to s = 3,500. Only a leaf
//! that is alone in a stretch larger than that takes more, at most 1,100 bytes. A prefix, a range
//! or a whole tree leaves at most one node a level at each of its ends.

mod encoding;
#[cfg(test)]
mod tests;

pub(super) use encoding::TreeFault;

#[cfg(test)]
use super::node::LeafKey;
use super::node::{Node, TREE_LEVELS, turns_right};

/// What is left of a tree at one place.
enum Subtree {
    /// Every leaf below is destroyed.
    Gone,
    /// Every leaf below can be derived.
    Whole(Node),
    /// Some can. Never two `Gone` and never two `Whole`, so equal destructions encode equally.
    Split(Box<[Subtree; 2]>),
}

/// The key tree of one epoch.
pub(super) struct EpochTree {
    top: Subtree,
}

/// Place of a leaf in the tree of its epoch.
pub(super) fn leaf_index(tree: u32, leaf: u32) -> u64 {
    u64::from(tree) << 32 | u64::from(leaf)
}

impl EpochTree {
    /// A tree of which nothing is destroyed.
    pub(super) fn new(root: Node) -> Self {
        Self { top: Subtree::Whole(root) }
    }

    /// The one node left on the path to a leaf and its depth; `None` if the leaf is destroyed.
    pub(super) fn node_above(&self, index: u64) -> Option<(u32, &Node)> {
        let mut subtree = &self.top;
        let mut depth = 0;
        loop {
            match subtree {
                Subtree::Gone => return None,
                Subtree::Whole(node) => return Some((depth, node)),
                Subtree::Split(children) => {
                    subtree = &children[usize::from(turns_right(index, depth))];
                    depth += 1;
                }
            }
        }
    }

    /// The key of a leaf, derived from what is left without any cache; `None` if it is destroyed.
    #[cfg(test)]
    pub(super) fn leaf(&self, tree: u32, leaf: u32) -> Option<LeafKey> {
        let index = leaf_index(tree, leaf);
        let (depth, node) = self.node_above(index)?;
        let mut node = node.clone();
        for level in depth..TREE_LEVELS {
            node = node.child(turns_right(index, level));
        }
        Some(node.to_leaf())
    }

    /// Destroys all leaves from `first` to `last`, both included. Doing it again changes nothing.
    pub(super) fn destroy(&mut self, first: u64, last: u64) {
        if first <= last {
            self.top.destroy(0, 0, (first, last));
        }
    }
}

impl Subtree {
    /// `low` is the first leaf below this place, `depth` its distance from the root.
    fn destroy(&mut self, low: u64, depth: u32, range: (u64, u64)) {
        let high = low | u64::MAX.checked_shr(depth).unwrap_or(0);
        if range.1 < low || high < range.0 {
            return;
        }
        if range.0 <= low && high <= range.1 {
            *self = Self::Gone;
            return;
        }
        if let Self::Whole(node) = self {
            let children = [false, true].map(|right| Self::Whole(node.child(right)));
            *self = Self::Split(Box::new(children));
        }
        if let Self::Split(children) = self {
            let middle = low | 1 << (TREE_LEVELS - 1 - depth);
            children[0].destroy(low, depth + 1, range);
            children[1].destroy(middle, depth + 1, range);
            if matches!(**children, [Self::Gone, Self::Gone]) {
                *self = Self::Gone;
            }
        }
    }
}
