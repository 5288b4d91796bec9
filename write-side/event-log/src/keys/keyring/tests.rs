//! Crashes at every step of a rewrite, and what must hold afterwards.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::random::SeededRandom;

const LOG: LogId = LogId([0xAB; 16]);
const TREE: TreeId = TreeId(7);
const DOOMED: u32 = 5;

fn random(seed: u64) -> Arc<dyn Random> {
    Arc::new(SeededRandom::new(seed))
}

fn order() -> KeyRange {
    KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(u32::MAX),
        tree: TREE.0,
        leaf_first: DOOMED,
        leaf_last: DOOMED,
    }
}

/// Fails before the k-th step, counted from 0, and before every later one: a process that is gone
/// does nothing more.
fn dies_before(k: usize) -> BeforeStep {
    let steps = AtomicUsize::new(0);
    Box::new(move |_| {
        if steps.fetch_add(1, Ordering::Relaxed) < k {
            Ok(())
        } else {
            Err(io::Error::other("the process is gone"))
        }
    })
}

fn copy_of(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in files(dir) {
        fs::copy(dir.join(&file), copy.path().join(&file)).unwrap();
    }
    copy
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
    names.sort();
    names
}

fn key(keyring: &Keyring, epoch: u32, leaf: u32) -> Option<[u8; 32]> {
    let key = keyring.leaf(KeyEpoch(epoch), TREE, leaf);
    key.map(|key| *key.bytes())
}

fn assert_tidy(dir: &Path, keyring: &Keyring) {
    let wrap = format!("wrap-{}", keyring.generation());
    assert_eq!(files(dir), [PathBuf::from("keyring"), PathBuf::from(wrap)]);
}

/// The steps of an undisturbed destruction.
fn steps_of_a_destruction() -> Vec<Step> {
    let dir = tempfile::tempdir().unwrap();
    Keyring::create(dir.path(), LOG, Timestamp(0), random(1)).unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let record: BeforeStep = Box::new(move |step| {
        seen.lock().push(step);
        Ok(())
    });
    let keyring = Keyring::open_with(dir.path(), LOG, random(2), record).unwrap();
    steps.lock().clear();
    keyring.destroy(&[order()], LogPosition(50)).unwrap();
    steps.lock().clone()
}

#[test]
fn steps_of_a_rewrite_are_in_the_order_that_survives_a_power_loss() {
    use Step::*;
    assert_eq!(
        steps_of_a_destruction(),
        [
            WriteWrap,
            SyncWrap,
            SyncWrapName,
            WriteNew,
            SyncNew,
            Rename,
            SyncName,
            EraseOldWrap,
            SyncErasure,
            RemoveOldWrap,
            SyncRemoval,
        ]
    );
}

#[test]
fn a_crash_at_every_step_of_a_destruction_leaves_a_keyring() {
    let steps = steps_of_a_destruction();
    for (k, step) in steps.iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let original = Keyring::create(dir.path(), LOG, Timestamp(0), random(1)).unwrap();
        let (doomed, kept) = (key(&original, 1, DOOMED), key(&original, 1, 6));
        // Opening takes one step itself.
        let keyring = Keyring::open_with(dir.path(), LOG, random(2), dies_before(k + 1)).unwrap();
        let error = keyring.destroy(&[order()], LogPosition(50)).unwrap_err();
        assert!(matches!(error, KeyringError::Step { step: at, .. } if at == *step));
        assert_eq!(key(&keyring, 1, DOOMED), None, "memory forgets at once");

        let again = Keyring::open(dir.path(), LOG, random(3)).unwrap();
        assert_tidy(dir.path(), &again);
        assert_eq!(key(&again, 1, 6), kept, "{step:?}");
        let renamed = k > steps.iter().position(|s| *s == Step::Rename).unwrap();
        if renamed {
            assert_eq!(again.applied_through(), LogPosition(50), "{step:?}");
            assert_eq!(key(&again, 1, DOOMED), None, "{step:?}");
        } else {
            assert_eq!(again.applied_through(), LogPosition(0), "{step:?}");
            assert_eq!(key(&again, 1, DOOMED), doomed, "{step:?}");
        }

        // What start-up does: the order is executed again, whatever became of it.
        again.destroy(&[order()], LogPosition(50)).unwrap();
        assert_tidy(dir.path(), &again);
        let last = Keyring::open(dir.path(), LOG, random(4)).unwrap();
        assert_eq!(key(&last, 1, DOOMED), None);
        assert_eq!(key(&last, 1, 6), kept);
    }
}

#[test]
fn a_torn_file_of_an_unfinished_rewrite_is_only_a_leftover() {
    for (k, torn) in [(1, "wrap-2"), (4, "keyring.new")] {
        for keep in [0, 1, 40] {
            let dir = tempfile::tempdir().unwrap();
            Keyring::create(dir.path(), LOG, Timestamp(0), random(1)).unwrap();
            let keyring =
                Keyring::open_with(dir.path(), LOG, random(2), dies_before(k + 1)).unwrap();
            keyring.destroy(&[order()], LogPosition(50)).expect_err("it dies");
            let path = dir.path().join(torn);
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..keep]).unwrap();
            let again = Keyring::open(dir.path(), LOG, random(3)).unwrap();
            assert!(key(&again, 1, DOOMED).is_some());
            assert_tidy(dir.path(), &again);
        }
    }
}

/// A power loss may undo a rename that was not flushed yet: until then both keys must be there.
#[test]
fn an_undone_rename_still_finds_its_wrapping_key() {
    let dir = tempfile::tempdir().unwrap();
    Keyring::create(dir.path(), LOG, Timestamp(0), random(1)).unwrap();
    let old = fs::read(dir.path().join("keyring")).unwrap();
    // Dies before the flush of the name, in the rewrite and again while opening.
    let keyring = Keyring::open_with(dir.path(), LOG, random(2), dies_before(7)).unwrap();
    keyring.destroy(&[order()], LogPosition(50)).expect_err("it dies");
    let error = Keyring::open_with(dir.path(), LOG, random(3), dies_before(0)).err();
    assert!(matches!(error, Some(KeyringError::Step { step: Step::SyncName, .. })));
    fs::write(dir.path().join("keyring"), old).unwrap();
    let again = Keyring::open(dir.path(), LOG, random(4)).unwrap();
    assert_eq!(again.applied_through(), LogPosition(0));
    assert_tidy(dir.path(), &again);
}

#[test]
fn old_keyrings_cannot_be_opened_after_a_destruction() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Keyring::create(dir.path(), LOG, Timestamp(0), random(1)).unwrap();
    let before = copy_of(dir.path());
    Keyring::open(before.path(), LOG, random(9)).expect("the copy has both files");
    let old = fs::read(dir.path().join("keyring")).unwrap();
    keyring.destroy(&[order()], LogPosition(50)).unwrap();

    fs::write(dir.path().join("keyring"), &old).unwrap();
    let error = Keyring::open(dir.path(), LOG, random(2)).err();
    assert!(matches!(error, Some(KeyringError::WrappingKeyMissing { generation: 1 })));
    // Nor by the key that is left, under the old name.
    fs::rename(dir.path().join("wrap-2"), dir.path().join("wrap-1")).unwrap();
    let error = Keyring::open(dir.path(), LOG, random(2)).err();
    assert!(matches!(
        error,
        Some(KeyringError::WrappingKeyDamaged { generation: 1, fault: FileFault::Misplaced })
    ));
}

#[test]
fn the_old_wrapping_key_is_zeros_before_its_file_goes() {
    let dir = tempfile::tempdir().unwrap();
    Keyring::create(dir.path(), LOG, Timestamp(0), random(1)).unwrap();
    let steps = steps_of_a_destruction();
    let k = steps.iter().position(|s| *s == Step::RemoveOldWrap).unwrap();
    let keyring = Keyring::open_with(dir.path(), LOG, random(2), dies_before(k + 1)).unwrap();
    keyring.destroy(&[order()], LogPosition(50)).expect_err("it dies");
    let bytes = fs::read(dir.path().join("wrap-1")).unwrap();
    assert_eq!(bytes, vec![0; format::WRAP_BYTES]);
}

#[test]
fn a_crash_at_every_step_of_creating_can_be_resumed() {
    for k in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        let made = Keyring::create_with(&path, LOG, Timestamp(0), random(1), dies_before(k));
        assert_eq!(made.is_ok(), k >= 7, "creating takes seven steps");
        let keyring = match Keyring::log_id_in(&path).unwrap() {
            Some(found) => {
                assert_eq!(found, LOG);
                Keyring::open(&path, LOG, random(2)).unwrap()
            }
            None => Keyring::create(&path, LOG, Timestamp(0), random(2)).unwrap(),
        };
        assert_tidy(&path, &keyring);
    }
}

#[test]
fn an_epoch_that_is_not_durable_is_not_used() {
    for k in 0..11 {
        let dir = tempfile::tempdir().unwrap();
        Keyring::create(dir.path(), LOG, Timestamp(0), random(1)).unwrap();
        let keyring = Keyring::open_with(dir.path(), LOG, random(2), dies_before(k + 1)).unwrap();
        keyring.open_epoch(Timestamp(1)).expect_err("it dies");
        assert_eq!(keyring.epoch_for_sealing(), KeyEpoch(1));
        assert_eq!(key(&keyring, 2, 0), None);
        let again = Keyring::open(dir.path(), LOG, random(3)).unwrap();
        assert!(again.epoch_for_sealing() <= KeyEpoch(2));
        again.open_epoch(Timestamp(2)).unwrap();
    }
}

/// A step that fails without the process dying, such as a full disk for a while.
#[test]
fn a_failed_rewrite_can_be_tried_again_in_the_same_process() {
    for k in 1..=11 {
        let dir = tempfile::tempdir().unwrap();
        Keyring::create(dir.path(), LOG, Timestamp(0), random(1)).unwrap();
        let steps = AtomicUsize::new(0);
        let once: BeforeStep = Box::new(move |_| {
            if steps.fetch_add(1, Ordering::Relaxed) == k {
                Err(io::Error::other("no space"))
            } else {
                Ok(())
            }
        });
        let keyring = Keyring::open_with(dir.path(), LOG, random(2), once).unwrap();
        keyring.destroy(&[order()], LogPosition(50)).expect_err("it fails once");
        assert_eq!(keyring.applied_through(), LogPosition(0));
        keyring.destroy(&[order()], LogPosition(50)).unwrap();
        assert_eq!(keyring.applied_through(), LogPosition(50));
        assert_tidy(dir.path(), &keyring);
        let again = Keyring::open(dir.path(), LOG, random(3)).unwrap();
        assert_eq!(key(&again, 1, DOOMED), None);
    }
}
