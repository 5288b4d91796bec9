//! The ledger beside its log: growing, starting again, refusing, mending its files.

use std::{
    fs,
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use event_log::ledger::{
    Bundle, Checkpoint, Ledger, LedgerError, Note, Tile, TlogProof, hash_lines, leaf_hash,
    parse_hash_lines, verify_consistency,
};
use facts::{LogPosition, Timestamp, fact::ForkReason};

use crate::world::{World, copy};

fn tile(path: &str) -> Tile {
    Tile::from_path(path).unwrap()
}

#[test]
fn i3_a_checkpoint_covers_what_is_durable_and_goes_on_from_the_one_before() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    let mut before = running.ledger.published();
    for count in [1, 254, 1, 700, 0, 3] {
        running.fill(room, count);
        running.ledger.step().unwrap();
        let after = running.ledger.published();
        let (old, new) = (&before.checkpoint, &after.checkpoint);
        assert_eq!(new.size, running.log.head().0 + 1);
        let proof = running.ledger.consistency(old.size, new.size).unwrap().unwrap();
        assert_eq!(parse_hash_lines(&hash_lines(&proof)).unwrap(), proof);
        assert!(verify_consistency(old.size, new.size, &old.root, &new.root, &proof));
        let file = fs::read_to_string(world.dir.path().join("keyring/ledger.checkpoint")).unwrap();
        let note = Note::parse(&file).unwrap();
        assert_eq!(note, after.note, "what is published is on the disk");
        assert_eq!(note.verify(&running.trusted()).unwrap().len(), 1);
        assert_eq!(Checkpoint::parse(&note.text).as_ref(), Some(new));
        before = after;
    }
    let origin = format!("example.org/chancery/{}/1", running.log.log_id());
    assert_eq!(before.checkpoint.origin, origin);
}

#[test]
fn every_position_has_its_proof_file() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 300);
    running.ledger.step().unwrap();
    let keys = running.trusted();
    let size = running.ledger.published().checkpoint.size;
    for position in 0..size {
        let proof = running.ledger.prove(LogPosition(position)).unwrap().unwrap();
        let file = proof.to_string();
        let read = TlogProof::parse(&file).unwrap();
        assert_eq!(read, proof);
        let digest = running.log.read_raw(LogPosition(position)).unwrap().unwrap().digest;
        assert_eq!(read.digest(), Some(digest));
        assert_eq!(read.verify(&keys, None).unwrap().size, size);
        assert!(read.verify(&keys, Some(&[1; 32])).is_err());
    }
    assert_eq!(running.ledger.prove(LogPosition(size)).unwrap(), None);
    running.fill(room, 1);
    assert_eq!(running.ledger.prove(LogPosition(size)).unwrap(), None, "not published yet");
}

#[test]
fn no_altered_proof_file_verifies() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 20);
    running.ledger.step().unwrap();
    let keys = running.trusted();
    let file = running.ledger.prove(LogPosition(7)).unwrap().unwrap().to_string();
    for at in 0..file.len() {
        for bit in [1, 2, 0x20] {
            let mut altered = file.as_bytes().to_vec();
            altered[at] ^= bit;
            let Ok(altered) = String::from_utf8(altered) else { continue };
            let verdict = TlogProof::parse(&altered).and_then(|proof| proof.verify(&keys, None));
            assert!(verdict.is_err(), "byte {at}, bit {bit}:\n{altered}");
        }
    }
    for (at, _) in file.match_indices('\n') {
        let cut = &file[..at];
        assert!(TlogProof::parse(cut).and_then(|proof| proof.verify(&keys, None)).is_err());
    }
}

#[test]
fn tiles_and_bundles_of_every_published_size_keep_answering() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    let mut sizes = Vec::new();
    for count in [3, 100, 200, 255, 256, 70] {
        running.fill(room, count);
        running.ledger.step().unwrap();
        sizes.push(running.ledger.published().checkpoint.size);
    }
    for size in sizes {
        let (full, width) = (size / 256, size % 256);
        for index in 0..full {
            let path = format!("0/{index:03}");
            let hashes = running.ledger.tile(tile(&path)).unwrap().unwrap();
            assert_eq!(hashes.len(), 8192);
        }
        let path = format!("0/{full:03}.p/{width}");
        let hashes = running.ledger.tile(tile(&path)).unwrap().unwrap();
        let bundle = Bundle::from_path(&path[2..]).unwrap();
        let entries = running.ledger.bundle(bundle).unwrap().unwrap();
        assert_eq!(entries.len() as u64, width * 34);
        for (k, (hash, entry)) in hashes.chunks(32).zip(entries.chunks(34)).enumerate() {
            assert_eq!(entry[..2], [0, 32]);
            let digest: [u8; 32] = entry[2..].try_into().unwrap();
            assert_eq!(hash, leaf_hash(&digest), "{path}, hash {k}");
        }
        if full > 0 {
            let above = running.ledger.tile(tile(&format!("1/000.p/{full}"))).unwrap();
            assert_eq!(above.unwrap().len() as u64, full * 32);
        }
    }
    for missing in ["0/004", "0/003.p/255", "1/000.p/4", "1/001.p/1", "2/000.p/1", "9/000.p/1"] {
        assert_eq!(running.ledger.tile(tile(missing)).unwrap(), None, "{missing}");
    }
    assert_eq!(running.ledger.consistency(1, 100_000).unwrap(), None);
    assert_eq!(running.ledger.consistency(5, 4).unwrap(), None);
}

#[test]
fn i7_a_tree_that_was_deleted_is_made_again_to_the_same() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 1_000);
    running.ledger.step().unwrap();
    let published = running.ledger.published();
    running.close();
    let files = || -> Vec<_> {
        (0..2)
            .map(|level| fs::read(world.ledger_dir().join(format!("level-{level}"))).unwrap())
            .collect()
    };
    let before = files();
    fs::remove_dir_all(world.ledger_dir()).unwrap();
    let running = world.open();
    assert_eq!(files(), before);
    assert_eq!(running.ledger.published().note, published.note, "nothing new, nothing signed");
    assert_eq!(running.ledger.published().keys, published.keys);
}

#[test]
fn i12_a_crash_at_any_moment_leads_to_the_same_tree() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 300);
    // Hashes written and a checkpoint signed, the state as old as the start.
    running.ledger.step().unwrap();
    let published = running.ledger.published();
    let crashed = world.copied();
    // And before the checkpoint was: only the log and the hashes are there.
    let earlier = world.copied();
    fs::remove_file(earlier.path().join("keyring/ledger.checkpoint")).unwrap();
    // And hashes that never reached the medium, though the files' length did.
    let torn = world.copied();
    let level = torn.path().join("ledger/level-0");
    let length = fs::metadata(&level).unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(&level).unwrap();
    file.write_all_at(&[0; 32 * 200], length - 32 * 200).unwrap();
    for dir in [crashed, earlier, torn] {
        let again = world.open_in(dir.path());
        let now = again.ledger.published();
        assert_eq!(now.checkpoint.size, published.checkpoint.size);
        assert_eq!(now.checkpoint.root, published.checkpoint.root);
        for position in 0..now.checkpoint.size {
            again.ledger.prove(LogPosition(position)).unwrap().unwrap();
        }
    }
}

#[test]
fn an_older_copy_of_the_log_is_refused_before_anything_is_signed() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 10);
    running.ledger.step().unwrap();
    running.close();
    let older = world.copied();
    let running = world.open();
    running.fill(room, 10);
    running.ledger.step().unwrap();
    running.close();
    // The log from the copy; the keys, on another disk, know better.
    fs::copy(
        world.dir.path().join("keyring/ledger.checkpoint"),
        older.path().join("keyring/ledger.checkpoint"),
    )
    .unwrap();
    let refused = world.try_open_in(older.path()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, LedgerError::RolledBack { .. }), "{refused}");
    assert!(refused.is_final());
    // Without any checkpoint the tree beside the log tells.
    fs::remove_file(older.path().join("keyring/ledger.checkpoint")).unwrap();
    fs::remove_dir_all(older.path().join("ledger")).unwrap();
    copy(&world.ledger_dir(), &older.path().join("ledger"));
    let refused = world.try_open_in(older.path()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, LedgerError::RolledBack { .. }), "{refused}");
}

#[test]
fn a_log_that_goes_on_from_an_older_copy_signs_no_second_history() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 10);
    running.close();
    let older = world.copied();
    let running = world.open();
    running.fill(room, 5);
    running.ledger.step().unwrap();
    running.close();
    // The copy writes on without a ledger, past what was signed, in the same incarnation.
    let log = world.open_log_in(older.path());
    let other = crate::world::Running {
        ledger: Ledger::open(Arc::clone(&log), &*world.random()).unwrap(),
        log,
    };
    other.fill(room, 50);
    other.close();
    fs::copy(
        world.dir.path().join("keyring/ledger.checkpoint"),
        older.path().join("keyring/ledger.checkpoint"),
    )
    .unwrap();
    let refused = world.try_open_in(older.path()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, LedgerError::Inconsistent(_)), "{refused}");
}

#[test]
fn a_fork_that_is_stated_is_another_log_to_those_who_watch() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 10);
    running.close();
    let older = world.copied();
    let running = world.open();
    running.fill(room, 5);
    running.ledger.step().unwrap();
    let signed = running.ledger.published();
    running.close();
    fs::copy(
        world.dir.path().join("keyring/ledger.checkpoint"),
        older.path().join("keyring/ledger.checkpoint"),
    )
    .unwrap();
    let log = world.open_log_in(older.path());
    log.fork(ForkReason::Restore).unwrap().durable.wait().unwrap();
    let ledger = Ledger::open(Arc::clone(&log), &*world.random()).unwrap();
    let forked = ledger.published();
    assert_eq!(forked.checkpoint.origin, signed.checkpoint.origin.replace("/1", "/2"));
    let [first, second] = forked.keys.as_slice() else { panic!("{:?}", forked.keys) };
    assert_eq!(first.key.public_key(), second.key.public_key());
    assert_eq!(second.key.name(), forked.checkpoint.origin);
    let word = second.endorsement.as_ref().unwrap();
    assert!(word.by == first.key && word.verifies(&second.key));
    log.fork(ForkReason::OperatorCut).unwrap().durable.wait().unwrap();
    assert!(matches!(ledger.step(), Err(LedgerError::Forked)), "an open ledger stops signing");
}

#[test]
fn hashes_that_rot_are_noticed_and_made_again() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    running.fill(room, 1_000);
    running.ledger.step().unwrap();
    let level = world.ledger_dir().join("level-0");
    let good = fs::read(&level).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&level).unwrap();
    file.write_all_at(&[9], 32 * 300 + 5).unwrap();
    assert!(running.ledger.tile(tile("0/001")).is_err());
    assert!(running.ledger.prove(LogPosition(301)).is_err(), "nothing wrong is said");
    running.ledger.step().unwrap();
    assert_eq!(fs::read(&level).unwrap(), good);
    running.ledger.prove(LogPosition(301)).unwrap().unwrap();
    // What is met while signing is mended at once.
    file.write_all_at(&[9], good.len() as u64 - 40).unwrap();
    running.fill(room, 100);
    running.ledger.step().unwrap();
    assert_eq!(fs::read(&level).unwrap()[..good.len()], good);
}

#[test]
fn a_damaged_or_foreign_last_checkpoint_is_refused() {
    let world = World::new();
    world.open().close();
    let file = world.dir.path().join("keyring/ledger.checkpoint");
    let good = fs::read_to_string(&file).unwrap();
    for at in (0..good.len()).step_by(5) {
        let mut altered = good.as_bytes().to_vec();
        altered[at] ^= 4;
        fs::write(&file, altered).unwrap();
        assert!(world.try_open_in(world.dir.path()).is_err(), "byte {at}");
    }
    let other = World::new();
    other.random();
    other.open().close();
    fs::copy(other.dir.path().join("keyring/ledger.checkpoint"), &file).unwrap();
    let refused = world.try_open_in(world.dir.path()).map(|_| ()).unwrap_err();
    assert!(matches!(refused, LedgerError::OtherLog { .. }), "{refused}");
    fs::write(&file, good).unwrap();
    world.open();
}

#[test]
fn following_steps_at_its_interval_and_once_more_at_the_end() {
    let world = World::new();
    let running = world.open();
    let room = running.stream();
    let clock = || Timestamp(7);
    let mut pauses = Vec::new();
    running
        .ledger
        .follow(Duration::from_secs(1), &clock, |pause| {
            pauses.push(pause);
            let size = running.ledger.published().checkpoint.size;
            assert_eq!(size, running.log.head().0 + 1);
            running.fill(room, 5);
            pauses.len() < 3
        })
        .unwrap();
    assert_eq!(pauses, [Duration::from_secs(1); 3]);
    assert_eq!(running.ledger.published().checkpoint.size, running.log.head().0 + 1);
}

#[test]
fn the_key_is_its_owners_alone_and_never_shown() {
    let world = World::new();
    let running = world.open();
    let path = world.dir.path().join("keyring/ledger.key");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let line = fs::read_to_string(path).unwrap();
    let seed = line.trim().strip_prefix("ed25519 ").unwrap();
    assert_eq!(STANDARD.decode(seed).unwrap().len(), 32);
    assert!(!format!("{:?}", running.ledger).contains(seed));
}
