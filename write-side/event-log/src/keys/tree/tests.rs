//! Properties of key trees under any series of destructions.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;

type Range = (u64, u64);

fn root() -> Node {
    Node::from_bytes([42; 32])
}

fn encode(tree: &EpochTree) -> Vec<u8> {
    let mut out = Zeroizing::new(Vec::new());
    tree.encode_into(&mut out);
    assert_eq!(out.len(), tree.encoded_len());
    out.to_vec()
}

/// Reads an encoding without the code under test: (depth, first leaf below, node) of what is left.
fn nodes_in(bytes: &[u8]) -> Vec<(u32, u64, [u8; 32])> {
    let mut found = Vec::new();
    let mut at = 0;
    // Places still to come, the next one last.
    let mut places = vec![(0u32, 0u64)];
    while let Some((depth, low)) = places.pop() {
        let tag = bytes[at];
        at += 1;
        let node = |at: usize| <[u8; 32]>::try_from(&bytes[at..at + 32]).unwrap();
        let children = || (low, low | 1 << (63 - depth));
        match tag {
            0 => {}
            1 => {
                found.push((depth, low, node(at)));
                at += 32;
            }
            2 => {
                let (left, right) = children();
                places.extend([(depth + 1, right), (depth + 1, left)]);
            }
            3 | 4 => {
                let (left, right) = children();
                let (whole, other) = if tag == 3 { (left, right) } else { (right, left) };
                found.push((depth + 1, whole, node(at)));
                at += 32;
                places.push((depth + 1, other));
            }
            _ => panic!("tag {tag}"),
        }
    }
    assert_eq!(at, bytes.len());
    found
}

fn from_root(low: u64, depth: u32) -> [u8; 32] {
    let node = (0..depth).fold(root(), |node, level| node.child(turns_right(low, level)));
    *node.bytes()
}

/// The union of ranges as disjoint ones.
fn union(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// What is left touches no destroyed leaf, covers all others, and is what the root derives.
fn check_against_model(bytes: &[u8], destroyed: &[Range]) {
    let left = nodes_in(bytes);
    let mut covered: u128 = 0;
    for (depth, low, node) in &left {
        let high = low | u64::MAX.checked_shr(*depth).unwrap_or(0);
        assert!(
            destroyed.iter().all(|(f, l)| high < *f || l < low),
            "a node at depth {depth} still derives a destroyed leaf"
        );
        assert_eq!(*node, from_root(*low, *depth));
        covered += u128::from(high - low) + 1;
    }
    let gone: u128 = union(destroyed.to_vec()).iter().map(|(f, l)| u128::from(l - f) + 1).sum();
    assert_eq!(covered + gone, 1 << 64, "a leaf that nobody destroyed is lost");
}

fn some_tree() -> impl Strategy<Value = u32> {
    prop_oneof![0u32..4, Just(u32::MAX), any::<u32>()]
}

fn some_leaf() -> impl Strategy<Value = u32> {
    prop_oneof![0u32..64, 1_000u32..1_010, Just(u32::MAX), any::<u32>()]
}

fn some_range() -> impl Strategy<Value = Range> {
    let one = (some_tree(), some_leaf()).prop_map(|(t, l)| (leaf_index(t, l), leaf_index(t, l)));
    let within = (some_tree(), some_leaf(), some_leaf())
        .prop_map(|(t, a, b)| (leaf_index(t, a.min(b)), leaf_index(t, a.max(b))));
    let prefix = (some_tree(), some_leaf()).prop_map(|(t, l)| (leaf_index(t, 0), leaf_index(t, l)));
    let trees = (some_tree(), some_tree())
        .prop_map(|(a, b)| (leaf_index(a.min(b), 0), leaf_index(a.max(b), u32::MAX)));
    let all = Just((0, u64::MAX));
    prop_oneof![8 => one, 6 => within, 4 => prefix, 2 => trees, 1 => all]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn exactly_the_destroyed_leaves_are_lost(ranges in prop::collection::vec(some_range(), 0..12)) {
        let mut tree = EpochTree::new(root());
        for (first, last) in &ranges {
            tree.destroy(*first, *last);
        }
        let bytes = encode(&tree);
        check_against_model(&bytes, &ranges);

        let again = EpochTree::decode(&bytes).unwrap();
        prop_assert_eq!(&encode(&again), &bytes);

        for edge in ranges.iter().flat_map(|(f, l)| {
            [f.saturating_sub(1), *f, *l, l.saturating_add(1)]
        }) {
            let id = u32::try_from(edge >> 32).unwrap();
            let leaf = u32::try_from(edge & u64::from(u32::MAX)).unwrap();
            let gone = ranges.iter().any(|(f, l)| (*f..=*l).contains(&edge));
            let key = again.leaf(id, leaf).map(|key| *key.bytes());
            prop_assert_eq!(key, (!gone).then(|| from_root(edge, 64)));
        }
    }

    #[test]
    fn order_and_repetition_do_not_show(ranges in prop::collection::vec(some_range(), 0..8)) {
        let mut forward = EpochTree::new(root());
        let mut backward = EpochTree::new(root());
        for i in 0..ranges.len() {
            let (last, first) = (ranges[ranges.len() - 1 - i], ranges[i]);
            forward.destroy(first.0, first.1);
            backward.destroy(last.0, last.1);
            backward.destroy(last.0, last.1);
        }
        prop_assert_eq!(encode(&forward), encode(&backward));
    }

    #[test]
    fn a_range_leaves_at_most_one_node_a_level_at_each_end(range in some_range()) {
        let mut tree = EpochTree::new(root());
        tree.destroy(range.0, range.1);
        prop_assert!(nodes_in(&encode(&tree)).len() <= 2 * TREE_LEVELS as usize);
    }

    #[test]
    fn no_bytes_make_decoding_panic_or_have_two_meanings(
        bytes in prop::collection::vec(prop_oneof![6 => 0u8..6, 1 => any::<u8>()], 0..400)
    ) {
        if let Ok(tree) = EpochTree::decode(&bytes) {
            prop_assert_eq!(encode(&tree), bytes);
        }
    }
}

/// Known answer, computed without this code: see `tests/golden/keys_v1.py`.
#[test]
fn a_punctured_tree_encodes_to_the_known_bytes() {
    let golden = include_str!("../../../tests/golden/keys_v1.txt")
        .lines()
        .find_map(|line| line.strip_prefix("keyring.tree.of.epoch.1 = "))
        .unwrap();
    let root = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let mut tree = EpochTree::new(Node::from_bytes(root));
    tree.destroy(leaf_index(7, 5), leaf_index(7, 5));
    assert_eq!(hex::encode(encode(&tree)), golden);
}

#[test]
fn malformed_trees_are_named() {
    let whole = {
        let mut bytes = vec![1];
        bytes.extend([9; 32]);
        bytes
    };
    let two_whole = [&[2][..], &whole, &whole].concat();
    let whole_hidden = [&[3][..], &[9; 32], &whole].concat();
    let cases = [
        (vec![], TreeFault::Short),
        (whole[..20].to_vec(), TreeFault::Short),
        (vec![0, 0], TreeFault::Trailing),
        (vec![2, 0, 0], TreeFault::NotCanonical),
        (two_whole, TreeFault::NotCanonical),
        (whole_hidden, TreeFault::NotCanonical),
        (vec![5], TreeFault::NotCanonical),
        (vec![2; 65], TreeFault::TooDeep),
    ];
    for (bytes, fault) in cases {
        assert_eq!(EpochTree::decode(&bytes).err(), Some(fault), "{bytes:?}");
    }
}

#[test]
fn the_first_leaf_of_a_fresh_epoch_costs_one_node_a_level() {
    let mut tree = EpochTree::new(root());
    tree.destroy(leaf_index(3, 5), leaf_index(3, 5));
    assert_eq!(tree.encoded_len(), 64 * 33 + 1);
}

/// At most 400 bytes, for leaves up to some 3,500 apart; further apart it goes on with log2.
#[test]
fn an_isolated_leaf_in_a_used_tree_costs_at_most_400_bytes() {
    for (spacing, at_most) in [(1_000, 340), (2_000, 375), (3_000, 400)] {
        let mut tree = EpochTree::new(root());
        let mut destroyed = 0;
        for leaf in (0..1_000_000).step_by(spacing) {
            tree.destroy(leaf_index(7, leaf), leaf_index(7, leaf));
            destroyed += 1;
        }
        let each = tree.encoded_len() / destroyed;
        assert!(each <= at_most, "spacing {spacing}: {each} bytes a leaf");
    }
}

#[test]
fn a_whole_tree_ends_in_fewer_bytes_than_its_holes() {
    let mut tree = EpochTree::new(root());
    for leaf in (0..10_000).step_by(10) {
        tree.destroy(leaf_index(7, leaf), leaf_index(7, leaf));
    }
    tree.destroy(leaf_index(7, 0), leaf_index(7, u32::MAX));
    assert_eq!(tree.encoded_len(), 32 * 33 + 1);
    assert!(tree.leaf(7, 5).is_none());
    assert!(tree.leaf(8, 5).is_some());
}
