//! What the command line reads beside a running server: proofs with and without the tree.

use std::{fs, path::Path};

use event_log::ledger::{LedgerFiles, ReadError, verify_consistency};
use facts::LogPosition;

use crate::world::World;

fn open(dir: &Path) -> LedgerFiles {
    LedgerFiles::open(dir, &dir.join("keyring")).unwrap()
}

#[test]
fn proofs_are_the_same_with_the_tree_and_from_the_segments_alone() {
    let world = World::with_segments(64 * 1024);
    let running = world.open();
    let room = running.stream();
    running.fill(room, 900);
    running.ledger.step().unwrap();
    let keys = running.trusted();
    // Beside the open log; more is being written than the checkpoint covers.
    running.fill(room, 10);
    let published = running.ledger.published();
    let size = published.checkpoint.size;
    let bare = world.copied();
    fs::remove_dir_all(bare.path().join("ledger")).unwrap();
    let (with_tree, without) = (open(world.dir.path()), open(bare.path()));
    assert_eq!(with_tree.published().note, published.note);
    assert_eq!(with_tree.keys(), published.keys);
    assert_eq!(without.signing_key().unwrap(), published.keys[0].key);
    for position in [0, 1, 255, 256, 600, size - 1].map(LogPosition) {
        let expected = running.ledger.prove(position).unwrap().unwrap();
        assert_eq!(with_tree.prove(position).unwrap(), expected);
        assert_eq!(without.prove(position).unwrap(), expected);
        expected.verify(&keys, None).unwrap();
    }
    for (from, to) in [(0, 0), (0, 5), (1, size), (256, 512), (300, 301), (size, size)] {
        let expected = running.ledger.consistency(from, to).unwrap().unwrap();
        assert_eq!(with_tree.consistency(from, to).unwrap(), expected);
        assert_eq!(without.consistency(from, to).unwrap(), expected, "{from} to {to}");
    }
    let whole = without.consistency(10, size).unwrap();
    let root = published.checkpoint.root;
    assert!(!verify_consistency(10, size, &[0; 32], &root, &whole));
    for files in [with_tree, without] {
        let beyond = files.prove(LogPosition(size));
        assert!(matches!(beyond, Err(ReadError::Beyond { .. })), "{beyond:?}");
        assert!(matches!(files.consistency(1, size + 1), Err(ReadError::Beyond { .. })));
        assert!(matches!(files.consistency(2, 1), Err(ReadError::Order)));
    }
}

#[test]
fn nothing_is_proven_of_a_log_that_does_not_lead_to_its_checkpoint() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 10);
    running.close();
    let older = world.copied();
    let running = world.open();
    running.fill(room, 10);
    running.close();
    let last = world.dir.path().join("keyring/ledger.checkpoint");
    fs::copy(last, older.path().join("keyring/ledger.checkpoint")).unwrap();
    let refused = open(older.path()).prove(LogPosition(3));
    assert!(matches!(refused, Err(ReadError::Inconsistent)), "{refused:?}");
}

#[test]
fn without_a_checkpoint_there_is_nothing_to_read() {
    let dir = tempfile::tempdir().unwrap();
    let none = LedgerFiles::open(dir.path(), dir.path());
    assert!(matches!(none, Err(ReadError::NoCheckpoint(_))));
}
