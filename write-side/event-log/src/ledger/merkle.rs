//! The Merkle tree of RFC 6962, section 2.1, over SHA-256.
//!
//! Owns hashing, the leaf ranges that a proof consists of, and the verifying of proofs (the
//! algorithms are spelled out in RFC 9162, sections 2.1.3.2 and 2.1.4.2). Pure; where hashes are
//! kept is not its business.

use sha2::{Digest as _, Sha256};

use crate::Digest;

const LEAF: [u8; 1] = [0];
const NODE: [u8; 1] = [1];

/// Hash of a leaf whose data is an entry's digest.
pub fn leaf_hash(entry: &Digest) -> Digest {
    leaf_hash_of(entry)
}

/// Hash of a leaf of any data.
pub fn leaf_hash_of(data: &[u8]) -> Digest {
    Sha256::new().chain_update(LEAF).chain_update(data).finalize().into()
}

/// Hash of an inner node.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Sha256::new().chain_update(NODE).chain_update(left).chain_update(right).finalize().into()
}

/// Root of the tree without leaves.
pub fn empty_root() -> Digest {
    Sha256::digest([]).into()
}

/// Leaves from `start` up to but not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafRange {
    /// First leaf.
    pub start: u64,
    /// After the last leaf.
    pub end: u64,
}

impl LeafRange {
    /// The perfect subtrees that the range splits into, from the left: (first leaf, height).
    pub(crate) fn subtrees(self) -> impl DoubleEndedIterator<Item = (u64, u32)> {
        let count = self.end.saturating_sub(self.start);
        (0..u64::BITS).rev().filter(move |bit| count >> bit & 1 == 1).map(move |bit| {
            let before = count.checked_shr(bit + 1).unwrap_or(0).checked_shl(bit + 1).unwrap_or(0);
            (self.start + before, bit)
        })
    }
}

/// The largest power of two below `count`, which must be at least 2.
fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// What the inclusion proof of a leaf consists of, from its sibling up. `None` if the tree does
/// not have the leaf.
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<LeafRange>> {
    if index >= size {
        return None;
    }
    let (mut start, mut end) = (0, size);
    let mut ranges = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            ranges.push(LeafRange { start: middle, end });
            end = middle;
        } else {
            ranges.push(LeafRange { start, end: middle });
            start = middle;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// What the proof consists of that the tree of size `to` goes on from that of size `from`.
/// `None` if `from` is larger.
pub fn consistency_ranges(from: u64, to: u64) -> Option<Vec<LeafRange>> {
    if from > to {
        return None;
    }
    let mut ranges = Vec::new();
    if from == 0 || from == to {
        return Some(ranges);
    }
    let (mut start, mut end) = (0, to);
    // Whether the subtree is the old tree itself, whose root the verifier has.
    let mut is_old_tree = true;
    while from != end {
        let middle = start + split(end - start);
        if from <= middle {
            ranges.push(LeafRange { start: middle, end });
            end = middle;
        } else {
            ranges.push(LeafRange { start, end: middle });
            start = middle;
            is_old_tree = false;
        }
    }
    if !is_old_tree {
        ranges.push(LeafRange { start, end });
    }
    ranges.reverse();
    Some(ranges)
}

/// Whether a proof leads from a leaf's hash to the root.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &Digest,
    proof: &[Digest],
    root: &Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let mut path = Path { node: index, last: size - 1 };
    let mut hash = *leaf;
    for sibling in proof {
        if path.last == 0 {
            return false;
        }
        if path.goes_left() {
            hash = node_hash(sibling, &hash);
            path.skip_lone_nodes();
        } else {
            hash = node_hash(&hash, sibling);
        }
        path.up();
    }
    path.last == 0 && hash == *root
}

/// Whether a proof shows that the tree of size `to` goes on from that of size `from`.
pub fn verify_consistency(
    from: u64,
    to: u64,
    old_root: &Digest,
    new_root: &Digest,
    proof: &[Digest],
) -> bool {
    if from > to {
        return false;
    }
    if from == to {
        return proof.is_empty() && old_root == new_root;
    }
    if from == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    let (first, rest) = if from.is_power_of_two() {
        (old_root, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else { return false };
        (first, rest)
    };
    let mut path = Path { node: from - 1, last: to - 1 };
    while path.node & 1 == 1 {
        path.up();
    }
    let (mut old, mut new) = (*first, *first);
    for sibling in rest {
        if path.last == 0 {
            return false;
        }
        if path.goes_left() {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            path.skip_lone_nodes();
        } else {
            new = node_hash(&new, sibling);
        }
        path.up();
    }
    path.last == 0 && old == *old_root && new == *new_root
}

/// A node and the last node of its level, on the way up.
struct Path {
    node: u64,
    last: u64,
}

impl Path {
    /// Whether the next hash of a proof stands to the left of the node.
    fn goes_left(&self) -> bool {
        self.node & 1 == 1 || self.node == self.last
    }

    /// A node without sibling stands for itself on the levels above.
    fn skip_lone_nodes(&mut self) {
        while self.node & 1 == 0 && self.node != 0 {
            self.up();
        }
    }

    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }
}

/// The root over leaves that come one by one, in memory that grows with the logarithm of their
/// number.
#[derive(Clone, Debug, Default)]
pub struct RootHasher {
    /// Roots of the perfect subtrees so far, the largest first.
    subtrees: Vec<Digest>,
    count: u64,
}

impl RootHasher {
    /// Goes on after `count` leaves whose perfect subtrees have these roots, the largest first.
    /// `None` where their number cannot be right.
    pub fn after(count: u64, subtrees: Vec<Digest>) -> Option<Self> {
        let expected = usize::try_from(count.count_ones()).ok()?;
        (subtrees.len() == expected).then_some(Self { subtrees, count })
    }

    /// Takes the next leaf's hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut hash = leaf;
        let mut level = self.count;
        while level & 1 == 1 {
            let left = self.subtrees.pop().expect("an odd count has a subtree at this height");
            hash = node_hash(&left, &hash);
            level >>= 1;
        }
        self.subtrees.push(hash);
        self.count += 1;
    }

    /// Leaves so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Root over the leaves so far.
    pub fn root(&self) -> Digest {
        join(self.subtrees.iter().rev()).unwrap_or_else(empty_root)
    }
}

/// Joins roots of perfect subtrees, given from the smallest, at the right, to the largest.
pub(crate) fn join<'a>(mut from_right: impl Iterator<Item = &'a Digest>) -> Option<Digest> {
    let last = *from_right.next()?;
    Some(from_right.fold(last, |right, left| node_hash(left, &right)))
}

/// Root over hashes whose number is a power of two.
pub(crate) fn perfect_root(mut hashes: Vec<Digest>) -> Digest {
    while hashes.len() > 1 {
        hashes = hashes.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    hashes.first().copied().unwrap_or_else(empty_root)
}
