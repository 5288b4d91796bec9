//! The signing key: first start, rotation, a crash at each of its steps, a lost key.

use std::fs;

use event_log::ledger::{LedgerError, NoteError, NoteSigner, trusted_by};

use crate::world::World;

#[test]
fn a_rotated_key_has_the_word_of_the_one_before() {
    let world = World::new();
    let running = world.open();
    let old = running.trusted();
    let new = running.ledger.rotate_key(&*world.random()).unwrap();
    let published = running.ledger.published();
    let [first, second] = published.keys.as_slice() else { panic!("{:?}", published.keys) };
    assert_eq!((&first.key, &second.key), (&old[0], &new));
    assert_eq!(first.key.name(), second.key.name());
    assert_ne!(first.key.id(), second.key.id());
    let word = second.endorsement.as_ref().unwrap();
    assert!(word.by == first.key && word.verifies(&new) && !word.verifies(&old[0]));
    // The checkpoint of the change is signed by both, and covers the fact.
    assert_eq!(published.note.verify(&running.trusted()).unwrap().len(), 2);
    assert!(second.position.0 < published.checkpoint.size);
    let room = running.stream();
    running.fill(room, 1);
    running.ledger.step().unwrap();
    let next = running.ledger.published();
    assert_eq!(next.note.verify(&old), Err(NoteError::Unknown));
    // Who trusts the first key alone goes on by the listing of keys, whatever else is in it.
    let lines: Vec<_> = published.keys.iter().map(ToString::to_string).collect();
    assert_eq!(trusted_by(old.clone(), &lines.join("\n")), Ok(running.trusted()));
    let swapped = [lines[1].as_str(), lines[0].as_str()].join("\n");
    assert_eq!(trusted_by(old.clone(), &swapped), Ok(running.trusted()));
    let stranger = NoteSigner::new("example.org/x", &[1; 32]).unwrap().verifier();
    assert_eq!(trusted_by(vec![stranger.clone()], &swapped), Ok(vec![stranger]));
    let forged = lines[1].replace(&new.to_string(), &old[0].to_string());
    assert_eq!(trusted_by(old.clone(), &forged), Ok(old.clone()));
    assert!(trusted_by(old.clone(), "no key").is_err());
    assert_eq!(next.note.verify(std::slice::from_ref(&new)).unwrap(), [&new]);
    running.close();
    let again = world.open();
    assert_eq!(again.ledger.published().note, next.note);
    assert_eq!(again.ledger.published().keys, published.keys);
    assert!(!world.dir.path().join("keyring/ledger.key.next").exists());
}

#[test]
fn a_crash_at_each_step_of_a_rotation_ends_with_a_key_that_the_log_states() {
    let world = World::new();
    let running = world.open();
    let keys = world.dir.path().join("keyring");
    let old = fs::read(keys.join("ledger.key")).unwrap();
    let before = world.copied();
    let new = running.ledger.rotate_key(&*world.random()).unwrap();
    let seed = fs::read(keys.join("ledger.key")).unwrap();

    // The following key is on the disk and nobody has heard of it: it is dropped.
    fs::write(before.path().join("keyring/ledger.key.next"), &seed).unwrap();
    let again = world.open_in(before.path());
    assert_eq!(again.ledger.published().keys.len(), 1);
    assert_eq!(fs::read(before.path().join("keyring/ledger.key")).unwrap(), old);
    assert!(!before.path().join("keyring/ledger.key.next").exists());

    // It is stated and not yet promoted: it is promoted, and stated no second time.
    let stated = world.copied();
    fs::write(stated.path().join("keyring/ledger.key"), &old).unwrap();
    fs::write(stated.path().join("keyring/ledger.key.next"), &seed).unwrap();
    let again = world.open_in(stated.path());
    assert_eq!(again.ledger.published().keys.len(), 2);
    assert_eq!(again.ledger.published().keys[1].key, new);
    let room = again.stream();
    again.fill(room, 1);
    again.ledger.step().unwrap();
    assert_eq!(again.ledger.published().note.verify(&[new]).unwrap().len(), 1);
}

#[test]
fn a_crash_at_the_first_start_ends_with_one_key() {
    let world = World::new();
    world.open().close();
    let keys = world.dir.path().join("keyring");
    // Stated, not yet promoted, nothing signed.
    fs::rename(keys.join("ledger.key"), keys.join("ledger.key.next")).unwrap();
    fs::remove_file(keys.join("ledger.checkpoint")).unwrap();
    let running = world.open();
    assert_eq!(running.ledger.published().keys.len(), 1);
    assert!(keys.join("ledger.key").exists() && !keys.join("ledger.key.next").exists());
}

#[test]
fn a_lost_key_is_followed_by_one_without_a_word() {
    let world = World::new();
    world.open().close();
    fs::remove_file(world.dir.path().join("keyring/ledger.key")).unwrap();
    let running = world.open();
    let published = running.ledger.published();
    let [first, second] = published.keys.as_slice() else { panic!("{:?}", published.keys) };
    assert_ne!(first.key, second.key);
    assert_eq!(second.endorsement, None);
    assert_eq!(published.note.verify(std::slice::from_ref(&second.key)).unwrap().len(), 1);
}

#[test]
fn a_malformed_key_is_refused_and_left_alone() {
    let world = World::new();
    world.open().close();
    let path = world.dir.path().join("keyring/ledger.key");
    for wrong in ["", "ed25519 AAAA\n", "secret\n"] {
        fs::write(&path, wrong).unwrap();
        let refused = world.try_open_in(world.dir.path()).map(|_| ()).unwrap_err();
        assert!(matches!(refused, LedgerError::Io(_)), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), wrong);
    }
}
