//! Derivation paths of the trees in use, so that reading in order is cheap.
//!
//! Owns a bounded cache: for each (epoch, tree) the nodes on the way to the leaf that was asked
//! for last. The next leaf shares all but the lowest of them: two hashes on average.
//! Invariants: I10 (bounded), I6 (a path is wiped before a destruction of its tree is reported).
//! Never outlives a destruction: whoever fills it holds the lock that a destruction takes.

use std::collections::HashMap;

use facts::{KeyEpoch, TreeId};
use parking_lot::Mutex;

use super::{
    node::{LeafKey, Node, TREE_LEVELS, turns_right},
    tree::{EpochTree, leaf_index},
};

/// Trees whose paths are kept, over all shards; about a kilobyte each.
pub const CACHED_PATHS_MAX: usize = 4_096;
/// Independently locked parts of the cache.
pub const CACHE_SHARDS: usize = 16;

const SHARD_PATHS_MAX: usize = CACHED_PATHS_MAX / CACHE_SHARDS;
/// Depth of a tree's own root within its epoch.
const TREE_ROOT_DEPTH: u32 = 32;
/// Nodes from there down to a leaf, both included.
const PATH_NODES: usize = (TREE_LEVELS - TREE_ROOT_DEPTH) as usize + 1;

type TreeKey = (KeyEpoch, TreeId);

/// The nodes on the way to one leaf.
struct Path {
    index: u64,
    /// Depth of the highest node that is known; what is above is destroyed or was not needed.
    top: u32,
    /// From [`TREE_ROOT_DEPTH`] down; known from `top` on.
    nodes: [Option<Node>; PATH_NODES],
    /// When it was used last, in uses of its shard.
    used: u64,
}

impl Path {
    /// The path to `index` from the node left above it. Returns it walked down to the leaf.
    fn below(index: u64, depth: u32, node: &Node) -> Self {
        let mut node = node.clone();
        for level in depth..TREE_ROOT_DEPTH {
            node = node.child(turns_right(index, level));
        }
        let top = depth.max(TREE_ROOT_DEPTH);
        let mut path = Self { index, top, nodes: [const { None }; PATH_NODES], used: 0 };
        path.nodes[slot(top)] = Some(node);
        path.derive_from(top);
        path
    }

    /// Turns to another leaf of the same tree. Returns how many nodes were derived, or `None` if
    /// nothing known stands above that leaf.
    fn turn_to(&mut self, index: u64) -> Option<u32> {
        let shared = (self.index ^ index).leading_zeros();
        if shared < self.top {
            return None;
        }
        self.index = index;
        Some(self.derive_from(shared))
    }

    fn derive_from(&mut self, depth: u32) -> u32 {
        for level in depth..TREE_LEVELS {
            let right = turns_right(self.index, level);
            self.nodes[slot(level + 1)] =
                self.nodes[slot(level)].as_ref().map(|node| node.child(right));
        }
        TREE_LEVELS - depth
    }

    fn leaf(&self) -> Option<LeafKey> {
        self.nodes[slot(TREE_LEVELS)].as_ref().map(Node::to_leaf)
    }
}

fn slot(depth: u32) -> usize {
    (depth - TREE_ROOT_DEPTH) as usize
}

#[derive(Default)]
struct Shard {
    paths: HashMap<TreeKey, Box<Path>>,
    uses: u64,
}

impl Shard {
    fn leaf(&mut self, key: TreeKey, index: u64, tree: &EpochTree) -> Option<LeafKey> {
        self.uses += 1;
        let used = self.uses;
        if let Some(path) = self.paths.get_mut(&key)
            && path.turn_to(index).is_some()
        {
            path.used = used;
            return path.leaf();
        }
        let (depth, node) = tree.node_above(index)?;
        let mut path = Box::new(Path::below(index, depth, node));
        path.used = used;
        let leaf = path.leaf();
        self.make_room(key);
        self.paths.insert(key, path);
        leaf
    }

    /// Drops the path that was not used for longest, if another one would be too many.
    fn make_room(&mut self, key: TreeKey) {
        if self.paths.len() < SHARD_PATHS_MAX || self.paths.contains_key(&key) {
            return;
        }
        let oldest = self.paths.iter().min_by_key(|(_, path)| path.used);
        if let Some(oldest) = oldest.map(|(key, _)| *key) {
            self.paths.remove(&oldest);
        }
    }
}

/// The cache. One for each keyring.
#[derive(Default)]
pub(super) struct PathCache {
    shards: [Mutex<Shard>; CACHE_SHARDS],
}

impl PathCache {
    /// The key of a leaf of `tree`, which is the tree of `epoch`; `None` if it is destroyed.
    pub(super) fn leaf(
        &self,
        (epoch, tree_id): TreeKey,
        leaf: u32,
        tree: &EpochTree,
    ) -> Option<LeafKey> {
        let key = (epoch, tree_id);
        let index = leaf_index(tree_id.0, leaf);
        self.shard(key).lock().leaf(key, index, tree)
    }

    /// Forgets what is known of a tree.
    pub(super) fn wipe(&self, key: TreeKey) {
        self.shard(key).lock().paths.remove(&key);
    }

    fn shard(&self, (epoch, tree): TreeKey) -> &Mutex<Shard> {
        &self.shards[tree.0.wrapping_add(epoch.0) as usize % CACHE_SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> EpochTree {
        EpochTree::new(Node::from_bytes([7; 32]))
    }

    #[test]
    fn reading_in_order_costs_two_hashes_an_entry() {
        let tree = tree();
        let (depth, node) = tree.node_above(0).unwrap();
        let mut path = Path::below(leaf_index(3, 0), depth, node);
        let mut hashes = 0;
        for leaf in 1..10_000 {
            hashes += path.turn_to(leaf_index(3, leaf)).unwrap();
        }
        assert!(hashes < 20_000, "{hashes} hashes for 9,999 leaves");
    }

    #[test]
    fn cached_and_underived_leaves_agree_in_any_order() {
        let mut tree = tree();
        tree.destroy(leaf_index(5, 100), leaf_index(5, 199));
        tree.destroy(leaf_index(5, 77), leaf_index(5, 77));
        let cache = PathCache::default();
        // 7 generates the numbers modulo 251, so every leaf below 251 comes up, in no order.
        let mut leaf = 1;
        for _ in 0..2_000 {
            leaf = leaf * 7 % 251;
            for id in [5, 6] {
                let cached = cache.leaf((KeyEpoch(1), TreeId(id)), leaf, &tree);
                let plain = tree.leaf(id, leaf);
                assert_eq!(
                    cached.as_ref().map(LeafKey::bytes),
                    plain.as_ref().map(LeafKey::bytes),
                    "tree {id} leaf {leaf}"
                );
                let destroyed = id == 5 && (leaf == 77 || (100..200).contains(&leaf));
                assert_eq!(cached.is_none(), destroyed, "tree {id} leaf {leaf}");
            }
        }
    }

    #[test]
    fn a_wiped_path_gives_nothing_that_the_tree_does_not() {
        let mut tree = tree();
        let cache = PathCache::default();
        let key = (KeyEpoch(1), TreeId(9));
        assert!(cache.leaf(key, 40, &tree).is_some());
        tree.destroy(leaf_index(9, 41), leaf_index(9, 41));
        cache.wipe(key);
        assert!(cache.leaf(key, 41, &tree).is_none());
        assert!(cache.leaf(key, 40, &tree).is_some());
        assert!(cache.leaf(key, 41, &tree).is_none());
    }

    #[test]
    fn the_oldest_path_makes_room() {
        let tree = tree();
        let cache = PathCache::default();
        let total = u32::try_from(CACHED_PATHS_MAX).unwrap();
        for id in 0..total * 2 {
            cache.leaf((KeyEpoch(1), TreeId(id)), 0, &tree);
            cache.leaf((KeyEpoch(1), TreeId(0)), 0, &tree);
        }
        let kept: usize = cache.shards.iter().map(|s| s.lock().paths.len()).sum();
        assert_eq!(kept, CACHED_PATHS_MAX);
        let first = (KeyEpoch(1), TreeId(0));
        assert!(cache.shard(first).lock().paths.contains_key(&first));
        let second = (KeyEpoch(1), TreeId(16));
        assert!(!cache.shard(second).lock().paths.contains_key(&second));
    }
}
