//! Proofs of every shape, from the tree's files, against a tree written down plainly.

use std::sync::Arc;

use event_log::{
    Digest,
    ledger::{
        Levels, RootHasher, Tree, consistency_ranges, empty_root, inclusion_ranges, leaf_hash,
        node_hash, verify_consistency, verify_inclusion,
    },
};
use proptest::prelude::*;

/// Sizes that are tried entirely: past the first full tile.
const SIZES: u64 = 300;

fn leaf(index: u64) -> Digest {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&index.to_be_bytes());
    leaf_hash(&digest)
}

/// The definition of RFC 6962, section 2.1, word by word.
fn plain_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            node_hash(&plain_root(&leaves[..k]), &plain_root(&leaves[k..]))
        }
    }
}

/// A tree in its files.
pub(crate) struct InMemory {
    _dir: tempfile::TempDir,
    levels: Arc<Levels>,
}

impl InMemory {
    pub(crate) fn over(leaves: impl Iterator<Item = Digest>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let levels = Arc::new(Levels::open(dir.path()).unwrap());
        let mut tree = Tree::open_at(Arc::clone(&levels), 0).unwrap();
        let leaves: Vec<_> = leaves.collect();
        // In uneven pieces, and opened again in between.
        for piece in leaves.chunks(97) {
            tree.append(piece).unwrap();
            tree = Tree::open_at(Arc::clone(&levels), tree.size()).unwrap();
        }
        Self { _dir: dir, levels }
    }

    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Vec<Digest> {
        self.levels.ranges(&inclusion_ranges(index, size).unwrap()).unwrap()
    }

    pub(crate) fn consistency(&self, from: u64, to: u64) -> Vec<Digest> {
        self.levels.ranges(&consistency_ranges(from, to).unwrap()).unwrap()
    }

    fn root(&self, size: u64) -> Digest {
        self.levels.root(size).unwrap()
    }
}

#[test]
fn every_size_has_the_root_of_its_definition() {
    let tree = InMemory::over((0..SIZES).map(leaf));
    let leaves: Vec<_> = (0..SIZES).map(leaf).collect();
    let mut hasher = RootHasher::default();
    for size in 0..=SIZES {
        let expected = plain_root(&leaves[..usize::try_from(size).unwrap()]);
        assert_eq!(tree.root(size), expected, "{size} leaves");
        assert_eq!(hasher.root(), expected, "{size} leaves, one by one");
        hasher.push(leaf(size));
    }
}

#[test]
fn every_inclusion_proof_verifies_and_no_altered_one() {
    let tree = InMemory::over((0..SIZES).map(leaf));
    for size in 1..=SIZES {
        let root = tree.root(size);
        for index in 0..size {
            let proof = tree.inclusion(index, size);
            let holds = |index, size, leaf: &Digest, proof: &[Digest], root: &Digest| {
                verify_inclusion(index, size, leaf, proof, root)
            };
            assert!(holds(index, size, &leaf(index), &proof, &root), "{index} of {size}");
            assert!(!holds(index, size, &leaf(index + 1), &proof, &root));
            assert!(!holds(index, size, &leaf(index), &proof, &leaf(index + SIZES)));
            let at = usize::try_from(index + size).unwrap() % proof.len().max(1);
            altered(&proof, at, |proof| {
                assert!(!holds(index, size, &leaf(index), proof, &root), "{index} of {size}");
            });
        }
        assert!(inclusion_ranges(size, size).is_none());
    }
}

#[test]
fn every_consistency_proof_verifies_and_no_altered_one() {
    let tree = InMemory::over((0..SIZES).map(leaf));
    let roots: Vec<_> = (0..=SIZES).map(|size| tree.root(size)).collect();
    let root = |size: u64| &roots[usize::try_from(size).unwrap()];
    for to in 0..=SIZES {
        for from in 0..=to {
            let proof = tree.consistency(from, to);
            let holds = |old, new, proof: &[Digest]| verify_consistency(from, to, old, new, proof);
            assert!(holds(root(from), root(to), &proof), "{from} to {to}");
            assert!(!holds(&[1; 32], root(to), &proof), "{from} to {to}");
            // From the empty tree everything goes on; there is nothing to contradict.
            if from > 0 {
                assert!(!holds(root(from), &[1; 32], &proof), "{from} to {to}");
                let at = usize::try_from(from + to).unwrap() % proof.len().max(1);
                altered(&proof, at, |proof| {
                    assert!(!holds(root(from), root(to), proof), "{from} to {to}");
                });
            }
        }
        assert!(consistency_ranges(to + 1, to).is_none());
    }
}

/// Calls with a hash flipped, dropped, doubled and the neighbours swapped.
fn altered(proof: &[Digest], at: usize, check: impl Fn(&[Digest])) {
    let mut longer = proof.to_vec();
    longer.push([2; 32]);
    check(&longer);
    if proof.is_empty() {
        return;
    }
    let mut flipped = proof.to_vec();
    flipped[at][at % 32] ^= 1 << (at % 8);
    check(&flipped);
    let mut dropped = proof.to_vec();
    dropped.remove(at);
    check(&dropped);
    let mut doubled = proof.to_vec();
    doubled.insert(at, proof[at]);
    check(&doubled);
    if at + 1 < proof.len() && proof[at] != proof[at + 1] {
        let mut swapped = proof.to_vec();
        swapped.swap(at, at + 1);
        check(&swapped);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Trees with full tiles on the level above, where proofs cross tiles.
    #[test]
    fn proofs_across_tiles_verify(
        size in 65_300_u64..66_200,
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 20),
    ) {
        let size_usize = usize::try_from(size).unwrap();
        let tree = InMemory::over((0..size).map(leaf));
        let mut hasher = RootHasher::default();
        (0..size).for_each(|index| hasher.push(leaf(index)));
        let root = tree.root(size);
        prop_assert_eq!(root, hasher.root());
        for (place, bit) in places {
            let index = place.index(size_usize) as u64;
            let mut proof = tree.inclusion(index, size);
            prop_assert!(verify_inclusion(index, size, &leaf(index), &proof, &root));
            let part = tree.consistency(index, size);
            let old = tree.root(index);
            prop_assert!(verify_consistency(index, size, &old, &root, &part));
            let at = usize::from(bit) % proof.len();
            proof[at][usize::from(bit) % 32] ^= 1;
            prop_assert!(!verify_inclusion(index, size, &leaf(index), &proof, &root));
        }
    }
}
