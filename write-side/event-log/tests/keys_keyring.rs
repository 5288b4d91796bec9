//! The keyring as its users see it: destruction, epochs, damage, bounds and concurrent readers.

#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
};

use event_log::{
    keys::{FileFault, KeyRange, Keyring, KeyringError, RANGES_MAX},
    random::SeededRandom,
};
use facts::{KeyEpoch, LogId, LogPosition, Timestamp, TreeId};

const LOG: LogId = LogId([1; 16]);
const DAY: u64 = 86_400_000;

fn create(dir: &Path) -> Keyring {
    Keyring::create(dir, LOG, Timestamp(0), Arc::new(SeededRandom::new(1))).unwrap()
}

fn open(dir: &Path) -> Result<Keyring, KeyringError> {
    Keyring::open(dir, LOG, Arc::new(SeededRandom::new(2)))
}

fn leaf(keyring: &Keyring, epoch: u32, tree: u32, leaf: u32) -> Option<[u8; 32]> {
    let key = keyring.leaf(KeyEpoch(epoch), TreeId(tree), leaf);
    key.map(|key| *key.bytes())
}

fn range(epochs: (u32, u32), tree: u32, leaves: (u32, u32)) -> KeyRange {
    KeyRange {
        epoch_first: KeyEpoch(epochs.0),
        epoch_last: KeyEpoch(epochs.1),
        tree,
        leaf_first: leaves.0,
        leaf_last: leaves.1,
    }
}

#[test]
fn destroyed_ranges_are_gone_here_and_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = create(dir.path());
    keyring.open_epoch(Timestamp(DAY)).unwrap();
    keyring.open_epoch(Timestamp(2 * DAY)).unwrap();
    // Read first, so that the paths are cached.
    let kept: Vec<_> = (0..20).map(|n| leaf(&keyring, 2, 4, n)).collect();
    let ranges = [range((1, 2), 4, (3, 9)), range((2, u32::MAX), 5, (0, u32::MAX))];
    keyring.destroy(&ranges, LogPosition(123)).unwrap();
    let again = || open(dir.path()).unwrap();
    for keyring in [keyring, again()] {
        assert_eq!(keyring.applied_through(), LogPosition(123));
        for n in 0..20 {
            let gone = (3..=9).contains(&n);
            assert_eq!(leaf(&keyring, 1, 4, n).is_none(), gone);
            let expected = kept[n as usize].filter(|_| !gone);
            assert_eq!(leaf(&keyring, 2, 4, n), expected);
            assert!(leaf(&keyring, 3, 4, n).is_some());
            assert!(leaf(&keyring, 1, 5, n).is_some());
            assert!(leaf(&keyring, 2, 5, n).is_none());
            assert!(leaf(&keyring, 3, 5, n).is_none());
        }
    }
}

#[test]
fn an_older_order_does_not_take_back_the_position() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = create(dir.path());
    keyring.destroy(&[], LogPosition(9)).unwrap();
    keyring.destroy(&[], LogPosition(4)).unwrap();
    assert_eq!(open(dir.path()).unwrap().applied_through(), LogPosition(9));
}

#[test]
fn epochs_are_numbered_from_one_and_fall_due() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = create(dir.path());
    assert_eq!(keyring.epoch_for_sealing(), KeyEpoch(1));
    assert!(!keyring.epoch_due(Timestamp(90 * DAY - 1), 90));
    assert!(keyring.epoch_due(Timestamp(90 * DAY), 90));
    let first = leaf(&keyring, 1, 1, 0);
    assert_eq!(leaf(&keyring, 2, 1, 0), None, "not open yet");
    assert_eq!(leaf(&keyring, 0, 1, 0), None, "there is no epoch 0");
    assert_eq!(keyring.open_epoch(Timestamp(90 * DAY)).unwrap(), KeyEpoch(2));
    assert!(!keyring.epoch_due(Timestamp(91 * DAY), 90));
    assert!(!keyring.epoch_due(Timestamp(0), 90), "a clock behind");
    assert_ne!(leaf(&keyring, 2, 1, 0), first);

    let again = open(dir.path()).unwrap();
    assert_eq!(again.epoch_for_sealing(), KeyEpoch(2));
    assert_eq!(leaf(&again, 1, 1, 0), first);
    assert_eq!(leaf(&again, 2, 1, 0), leaf(&keyring, 2, 1, 0));
    assert!(!again.epoch_due(Timestamp(91 * DAY), 90));
}

#[test]
fn refusals_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty");
    assert!(matches!(open(&empty), Err(KeyringError::Missing)));
    assert_eq!(Keyring::log_id_in(&empty).unwrap(), None);

    let keyring = create(dir.path());
    assert_eq!(Keyring::log_id_in(dir.path()).unwrap(), Some(LOG));
    let random = Arc::new(SeededRandom::new(3));
    let twice = Keyring::create(dir.path(), LOG, Timestamp(0), random.clone());
    assert!(matches!(twice, Err(KeyringError::AlreadyExists)));
    let other = Keyring::open(dir.path(), LogId([2; 16]), random);
    assert!(matches!(other, Err(KeyringError::OtherLog { found, .. }) if found == LOG));

    let generation = keyring.generation();
    for bad in [range((2, 1), 1, (0, 0)), range((1, 1), 1, (1, 0))] {
        let refused = keyring.destroy(&[range((1, 1), 9, (0, 0)), bad], LogPosition(1));
        assert!(matches!(refused, Err(KeyringError::BadRange)));
    }
    let many = vec![range((1, 1), 9, (0, 0)); RANGES_MAX + 1];
    let refused = keyring.destroy(&many, LogPosition(1));
    assert!(matches!(refused, Err(KeyringError::TooManyRanges(_))));
    assert!(leaf(&keyring, 1, 9, 0).is_some(), "nothing was destroyed");
    assert_eq!(keyring.generation(), generation, "nothing was written");
}

#[test]
fn every_flipped_byte_of_either_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    for name in ["keyring", "wrap-1"] {
        let path = dir.path().join(name);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            fs::write(&path, flipped).unwrap();
            let error = open(dir.path()).err();
            let named = matches!(
                error,
                Some(
                    KeyringError::Damaged(_)
                        | KeyringError::OtherLog { .. }
                        | KeyringError::WrappingKeyMissing { .. }
                        | KeyringError::WrappingKeyDamaged { .. }
                )
            );
            assert!(named, "{name} byte {at}: {error:?}");
        }
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(open(dir.path()).is_err(), "{name} cut to {length}");
        }
        fs::write(&path, [&bytes[..], &[0]].concat()).unwrap();
        assert!(open(dir.path()).is_err(), "{name} with a byte more");
        fs::write(&path, &bytes).unwrap();
    }
    // Refusing removed nothing.
    open(dir.path()).unwrap();
}

#[test]
fn a_later_format_is_not_called_damage_of_unknown_kind() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let path = dir.path().join("keyring");
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 2;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(open(dir.path()), Err(KeyringError::Damaged(FileFault::UnknownFormat(2)))));
}

#[test]
fn files_are_for_their_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("a/keys");
    let keyring = create(&keys);
    keyring.destroy(&[], LogPosition(1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys), 0o700);
    let files = ["keyring", "wrap-2"].map(|name| keys.join(name));
    for file in &files {
        assert_eq!(mode(file), 0o600);
        // As a careless copy would leave it.
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    open(&keys).unwrap();
    for file in &files {
        assert_eq!(mode(file), 0o600);
    }
}

/// No reader gets a destroyed leaf once `destroy` has returned, whatever it had cached.
#[test]
fn readers_beside_a_destruction_see_before_or_after() {
    const READERS: usize = 3;
    const ROUNDS: u32 = 40;
    let dir = tempfile::tempdir().unwrap();
    let keyring = create(dir.path());
    let expected: Vec<_> = (0..ROUNDS).map(|n| leaf(&keyring, 1, 2, n)).collect();
    let turn = Barrier::new(READERS + 1);
    // Counted, not asserted on the spot: a thread that ends early would leave the others waiting.
    let wrong = AtomicUsize::new(0);
    let expect = |right: bool| {
        wrong.fetch_add(usize::from(!right), Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    turn.wait();
                    // Beside the destruction of leaf `round`.
                    for (n, expected) in (0..ROUNDS).zip(&expected) {
                        let key = leaf(&keyring, 1, 2, n);
                        expect(if n < round {
                            key.is_none()
                        } else {
                            key == *expected || n == round && key.is_none()
                        });
                    }
                    turn.wait();
                    expect(leaf(&keyring, 1, 2, round).is_none());
                }
            });
        }
        for round in 0..ROUNDS {
            turn.wait();
            let one = range((1, 1), 2, (round, round));
            expect(keyring.destroy(&[one], LogPosition(1)).is_ok());
            turn.wait();
        }
    });
    assert_eq!(wrong.into_inner(), 0);
}
