//! Restoring a log that was written to here.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context as _, Result, anyhow, ensure};
use event_log::{
    Entry, Log, PartContent, SystemRandom,
    ledger::{Ledger, LedgerError},
};
use facts::{Incarnation, LogPosition};

use super::{Restore, RestoreReport, Step, work_dir};
use crate::{
    backup::{
        BackupRefusal, Place,
        world::{World, open, say},
    },
    clock::SystemClock,
};

fn run(restore: Restore) -> Result<RestoreReport> {
    restore.prepare()?.run(Arc::new(SystemClock))
}

fn refused(restore: Restore) -> Result<BackupRefusal> {
    let to = restore.to.clone();
    let was = to.exists();
    let error = run(restore).err().context("it must be refused")?;
    ensure!(to.exists() == was, "nothing is made where it is refused: {error:#}");
    error.downcast().context("a typed refusal")
}

fn content(log: &Log, entry: &Entry) -> Result<PartContent> {
    let read = log.read(entry.header.position)?.context("it is there")?;
    ensure!(read.digest == entry.digest, "the digest outlives everything");
    Ok(read.parts[1].clone())
}

#[test]
fn a_restored_log_is_whole_and_goes_on_in_a_new_incarnation() -> Result<()> {
    let world = World::new(50)?;
    let said = world.say(b"kept")?;
    let media = world.media(1, b"sealed")?;
    world.take()?;
    let report = run(world.restore())?;
    ensure!(report.kept_through == said.header.position && report.left_out == 0, "{report:?}");
    ensure!(report.incarnation == Incarnation(2) && report.media == 1, "{report:?}");
    let below = media.strip_prefix(world.data())?;
    ensure!(fs::read(world.restored().join(below))? == b"sealed");
    ensure!(!work_dir(&world.restored()).exists());
    let log = Arc::new(open(&world.restored())?);
    ensure!(content(&log, &said)?.clear() == Some(b"kept".as_slice()));
    let again = say(&log, world.room, world.person, b"more")?;
    ensure!(again.header.incarnation == Incarnation(2));
    let ledger = Ledger::open(Arc::clone(&log), &SystemRandom)?;
    let former = world.live.ledger.published();
    let keys = ledger.published().keys.clone();
    ensure!(
        keys.len() == 2 && keys[0].key == former.keys[0].key,
        "the same key vouches for itself"
    );
    ensure!(keys[1].endorsement.as_ref().is_some_and(|word| word.verifies(&keys[1].key)));
    Ok(())
}

#[test]
fn what_will_happen_is_said_before_it_does() -> Result<()> {
    const DAY_MS: u64 = 86_400_000;
    let world = World::new(2)?;
    world.take()?;
    let said = |restore: Restore, now| anyhow::Ok(restore.prepare()?.words(now).join("\n"));
    let words = said(world.restore(), 7 * DAY_MS)?;
    ensure!(words.contains("new incarnation") && words.contains("are not known"), "{words}");
    ensure!(!words.contains("had to be gone") && !words.contains("GIVEN UP"), "{words}");
    let mut restore = world.restore();
    restore.newest.give_up_through = Some(99);
    restore.newest.copies = vec![Place::Dir(world.data())];
    let words = said(restore, 8 * DAY_MS)?;
    ensure!(words.contains("had to be gone") && words.contains("first 99 entries"), "{words}");
    ensure!(!words.contains("are not known"), "{words}");
    ensure!(!world.restored().exists() && !work_dir(&world.restored()).exists());
    Ok(())
}

#[test]
fn every_position_can_be_restored_to() -> Result<()> {
    let world = World::new(25)?;
    world.take()?;
    for position in 0..=world.live.log.head().0 {
        let mut restore = world.restore();
        restore.position = Some(LogPosition(position));
        let report = run(restore)?;
        ensure!(report.kept_through.0 == position, "{report:?}");
        let log = open(&world.restored())?;
        ensure!(log.incarnation() == Incarnation(2));
        drop(log);
        fs::remove_dir_all(world.restored())?;
    }
    let mut restore = world.restore();
    restore.position = Some(world.live.log.head().next());
    let refusal = refused(restore)?;
    ensure!(matches!(refusal, BackupRefusal::Beyond { .. }), "{refusal}");
    Ok(())
}

#[test]
fn what_was_destroyed_after_the_backup_is_destroyed_before_the_first_read() -> Result<()> {
    let world = World::new(3)?;
    let said = world.say(b"to be erased")?;
    world.take()?;
    world.talk(2)?;
    world.destroy(said.header.parts[1].person_tree.0)?;
    // From the data directory that is in use, and from a newer backup without its keys.
    let newer = world.dir.path().join("newer");
    crate::backup::LogCopy::take(&world.data(), &Place::Dir(newer.clone()), &world.point(), 9)?
        .commit()?;
    for source in [world.data(), newer] {
        let mut restore = world.restore();
        restore.newest.copies = vec![Place::Dir(source)];
        let report = run(restore)?;
        ensure!(report.orders == 1 && report.left_out >= 4, "{report:?}");
        let keyring = crate::backup::keyring_of(&world.restored().join("keyring"))?;
        let keyring = keyring.context("a keyring")?;
        let (tree, day) = (said.header.parts[1].person_tree, said.header.recorded_at.day());
        ensure!(keyring.leaf(said.header.key_epoch, tree, day).is_none());
        let log = open(&world.restored())?;
        ensure!(content(&log, &said)? == PartContent::Destroyed);
        ensure!(log.scavenge()? == (0, 0), "no ciphertext is left");
        drop(log);
        fs::remove_dir_all(world.restored())?;
    }
    // Without the newer copy nobody can know; with it and an older position it still counts.
    ensure!(run(world.restore())?.orders == 0);
    fs::remove_dir_all(world.restored())?;
    world.take()?;
    let mut restore = world.restore();
    restore.position = Some(said.header.position);
    ensure!(run(restore)?.orders == 1, "the backup itself has the order, behind the position");
    ensure!(content(&open(&world.restored())?, &said)? == PartContent::Destroyed);
    Ok(())
}

#[test]
fn a_checkpoint_that_is_ahead_of_every_copy_stops_a_restore() -> Result<()> {
    let world = World::new(3)?;
    world.take()?;
    world.talk(5)?;
    let note = world.point().checkpoint.context("a checkpoint")?;
    let covered = world.live.log.head().0 + 1;
    let with = |copies: &[&Path], give_up_through| {
        let mut restore = world.restore();
        restore.newest.checkpoints = vec![("kept".to_owned(), note.clone())];
        restore.newest.copies = copies.iter().map(|path| Place::Dir(path.to_path_buf())).collect();
        restore.newest.give_up_through = give_up_through;
        restore
    };
    for through in [None, Some(covered - 1)] {
        let refusal = refused(with(&[], through))?;
        ensure!(matches!(refusal, BackupRefusal::OrdersUnknown { .. }), "{refusal}");
    }
    run(with(&[], Some(covered)))?;
    fs::remove_dir_all(world.restored())?;
    run(with(&[&world.data()], None))?;
    Ok(())
}

#[test]
fn an_incarnation_that_was_seen_is_not_begun_again() -> Result<()> {
    let world = World::new(3)?;
    world.take()?;
    run(world.restore())?;
    let log = Arc::new(open(&world.restored())?);
    let ledger = Ledger::open(Arc::clone(&log), &SystemRandom)?;
    let seen = ledger.published().note.to_string();
    log.close();
    let mut restore = world.restore();
    restore.to = world.dir.path().join("third");
    restore.newest.checkpoints = vec![("kept".to_owned(), seen)];
    restore.newest.give_up_through = Some(u64::MAX);
    ensure!(run(restore)?.incarnation == Incarnation(3));
    Ok(())
}

#[test]
fn parts_that_do_not_fit_are_refused() -> Result<()> {
    let (world, other) = (World::new(4)?, World::new(4)?);
    world.take()?;
    other.take()?;
    let mut restore = world.restore();
    restore.keys_from = other.keys();
    let refusal = refused(restore)?;
    ensure!(matches!(refusal, BackupRefusal::OtherLog { .. }), "{refusal}");
    let mut restore = world.restore();
    restore.keys_from = world.backup();
    let refusal = refused(restore)?;
    ensure!(matches!(refusal, BackupRefusal::OtherKind { .. }), "{refusal}");
    let mut restore = world.restore();
    restore.from = Place::Dir(world.dir.path().join("nowhere"));
    let refusal = refused(restore)?;
    ensure!(matches!(refusal, BackupRefusal::Nothing { .. }), "{refusal}");
    let mut restore = world.restore();
    restore.newest.copies = vec![Place::Dir(other.data())];
    let error = run(restore).err().context("another log's orders")?;
    ensure!(format!("{error:#}").contains("is of log"), "{error:#}");
    let mut restore = world.restore();
    restore.to = world.data();
    let refusal = refused(restore)?;
    ensure!(matches!(refusal, BackupRefusal::Occupied(_)), "{refusal}");
    let mut restore = world.restore();
    restore.to = world.backup().join("manifest.jsonl");
    let refusal = refused(restore)?;
    ensure!(matches!(refusal, BackupRefusal::Occupied(_)), "{refusal}");
    // Keys of another log behind a manifest of this one.
    let manifest = fs::read_to_string(other.keys().join("manifest.jsonl"))?;
    let (ours, theirs) = (world.point().log_id, other.point().log_id);
    ensure!(manifest.contains(&theirs));
    let parsed = crate::backup::manifest::Manifest::parse(&manifest)?;
    let mut forged = parsed;
    forged.about.log_id = ours;
    fs::write(other.keys().join("manifest.jsonl"), forged.to_text()?)?;
    let mut restore = world.restore();
    restore.keys_from = other.keys();
    let refusal = refused(restore)?;
    ensure!(matches!(refusal, BackupRefusal::OtherLog { .. }), "{refusal}");
    Ok(())
}

#[test]
fn a_file_that_is_not_what_was_written_stops_a_restore() -> Result<()> {
    let world = World::new(20)?;
    world.media(1, b"sealed")?;
    world.take()?;
    for dir in [world.backup(), world.keys()] {
        let manifest = fs::read_to_string(dir.join("manifest.jsonl"))?;
        let manifest = crate::backup::manifest::Manifest::parse(&manifest)?;
        for name in manifest.files.keys() {
            let path = dir.join(name);
            let good = fs::read(&path)?;
            let mut bad = good.clone();
            bad[good.len() / 2] ^= 1;
            fs::remove_file(&path)?;
            let missing = refused(world.restore())?;
            fs::write(&path, bad)?;
            let altered = refused(world.restore())?;
            fs::write(&path, good)?;
            for refusal in [missing, altered] {
                let BackupRefusal::Damaged { file, .. } = &refusal else {
                    return Err(anyhow!("{refusal}"));
                };
                ensure!(file == name, "{refusal}");
            }
        }
    }
    run(world.restore())?;
    Ok(())
}

#[test]
fn a_restore_that_breaks_off_at_any_step_is_begun_again() -> Result<()> {
    let world = World::new(20)?;
    let said = world.say(b"to be erased")?;
    world.media(1, b"sealed")?;
    world.take()?;
    world.destroy(said.header.parts[1].person_tree.0)?;
    let restore = || {
        let mut restore = world.restore();
        restore.newest.copies = vec![Place::Dir(world.data())];
        restore
    };
    let steps = [
        Step::Segments,
        Step::Media,
        Step::ReadKeys,
        Step::WriteKeys,
        Step::ForgetKeys,
        Step::GoOn,
        Step::PutInPlace,
    ];
    for broken in steps {
        let breaking = |step| if step == broken { Err(anyhow!("broken off")) } else { Ok(()) };
        let outcome = restore().prepare()?.run_with(Arc::new(SystemClock), breaking);
        ensure!(outcome.is_err() && !world.restored().exists(), "{broken:?}");
        ensure!(work_dir(&world.restored()).exists(), "{broken:?}");
        let report = run(restore())?;
        ensure!(report.orders == 1 && !work_dir(&world.restored()).exists(), "{report:?}");
        ensure!(content(&open(&world.restored())?, &said)? == PartContent::Destroyed);
        fs::remove_dir_all(world.restored())?;
    }
    // What somebody else keeps under that name is left alone.
    fs::create_dir_all(work_dir(&world.restored()))?;
    fs::write(work_dir(&world.restored()).join("mine"), b"x")?;
    let refusal = refused(restore())?;
    ensure!(matches!(refusal, BackupRefusal::Occupied(_)), "{refusal}");
    Ok(())
}

#[test]
fn a_ledger_refuses_an_older_copy_until_it_says_so() -> Result<()> {
    let world = World::new(5)?;
    world.take()?;
    let note = world.point().checkpoint.context("a checkpoint")?;
    run(world.restore())?;
    let checkpoint = world.restored().join("keyring").join("ledger.checkpoint");
    ensure!(fs::read_to_string(&checkpoint)? == note);
    world.talk(4)?;
    let later = world.point().checkpoint.context("a checkpoint")?;
    fs::write(&checkpoint, later.replace("/1\n", "/2\n"))?;
    let log = Arc::new(open(&world.restored())?);
    let refused = Ledger::open(log, &SystemRandom).err();
    ensure!(matches!(refused, Some(LedgerError::RolledBack { .. })), "{refused:?}");
    Ok(())
}
