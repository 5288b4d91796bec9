//! Taking backups of a log that is written to here, and looking at them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result, ensure};
use event_log::ledger::VerifierKey;

use super::{
    BackupFinding, BackupRefusal, Inspection, Place,
    dir_store::{BeforeStep, Step},
    inspect, keyring_of,
    world::World,
};

fn refusal(error: &anyhow::Error) -> Option<&BackupRefusal> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

fn trusted(world: &World) -> Vec<VerifierKey> {
    world.live.ledger.published().keys.iter().map(|stated| stated.key.clone()).collect()
}

fn look(world: &World) -> Result<Inspection> {
    let keyring = keyring_of(&world.keys())?.context("a keyring")?;
    let keys = trusted(world);
    let of_keys = inspect(&world.keys(), None, &keys, &[])?;
    ensure!(of_keys.ok, "{of_keys:?}");
    inspect(&world.backup(), Some(&keyring), &keys, &[])
}

fn never() -> BeforeStep {
    Box::new(|_| Ok(()))
}

fn files(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.insert(path.display().to_string(), fs::read(&path)?);
        }
    }
    Ok(found)
}

#[test]
fn a_second_run_copies_what_is_new() -> Result<()> {
    let world = World::new(60)?;
    world.media(1, b"sealed")?;
    let first = world.take()?;
    ensure!(first.copied > 3 && first.copied == first.files as u64, "{first:?}");
    ensure!(look(&world)?.ok);
    let again = world.take()?;
    ensure!(again.copied <= 1 && again.removed <= 1, "the open segment alone: {again:?}");
    world.talk(3)?;
    world.media(2, b"sealed too")?;
    let third = world.take()?;
    ensure!(third.copied <= 4 && third.head > first.head, "{third:?}");
    let found = look(&world)?;
    ensure!(found.ok && found.entries == third.head.0 + 1, "{found:?}");
    Ok(())
}

#[test]
fn what_scavenging_replaced_is_replaced_in_the_backup() -> Result<()> {
    let world = World::new(0)?;
    let said = world.say(b"to be erased")?;
    world.talk(40)?;
    world.take()?;
    let before = files(&world.backup())?;
    world.destroy(said.header.parts[1].person_tree.0)?;
    let report = world.take()?;
    ensure!(report.removed > 0, "{report:?}");
    ensure!(look(&world)?.ok);
    let first = |files: &BTreeMap<String, Vec<u8>>| {
        let (_, bytes) = files.iter().find(|(name, _)| name.contains("/00000000000000000000-"))?;
        Some(bytes.clone())
    };
    let (old, new) =
        (first(&before).context("it")?, first(&files(&world.backup())?).context("it")?);
    ensure!(old != new, "the ciphertext went from the backup too");
    // One copy of the keyring, which does not open it.
    let keyrings = files(&world.keys())?.into_keys().filter(|name| name.ends_with("/keyring"));
    ensure!(keyrings.count() == 1);
    let keyring = keyring_of(&world.keys())?.context("a keyring")?;
    let tree = said.header.parts[1].person_tree;
    let day = said.header.recorded_at.day();
    ensure!(keyring.leaf(said.header.key_epoch, tree, day).is_none());
    Ok(())
}

#[test]
fn a_run_that_breaks_off_at_any_step_leaves_a_whole_backup_and_is_gone_on_with() -> Result<()> {
    for of_keys in [false, true] {
        for broken in 0..1_000 {
            let world = World::new(30)?;
            world.media(1, b"sealed")?;
            world.take()?;
            let before = look(&world)?;
            let said = world.say(b"to be erased")?;
            world.destroy(said.header.parts[1].person_tree.0)?;
            world.media(2, b"sealed too")?;
            let steps = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&steps);
            let breaking: BeforeStep = Box::new(move |_: Step| {
                let now = counted.fetch_add(1, Ordering::Relaxed) == broken;
                if now { Err(io::Error::other("broken off")) } else { Ok(()) }
            });
            let outcome = if of_keys {
                world.take_with(never(), breaking)
            } else {
                world.take_with(breaking, never())
            };
            let ended = steps.load(Ordering::Relaxed) <= broken;
            ensure!(outcome.is_ok() == ended, "step {broken}: {outcome:?}");
            let after = look(&world)?;
            ensure!(after.ok, "step {broken}: {after:?}");
            ensure!(after.entries >= before.entries);
            world.take()?;
            let whole = look(&world)?;
            ensure!(whole.ok && !whole.unfinished, "step {broken}: {whole:?}");
            ensure!(whole.entries == world.live.log.head().0 + 1);
            let folders = fs::read_dir(world.keys())?.count();
            ensure!(folders == 3, "lock, manifest and one copy of the keys: {folders}");
            if ended {
                ensure!(broken > 5, "it broke off at {broken} steps");
                break;
            }
        }
    }
    Ok(())
}

#[test]
fn nothing_is_backed_up_over_something_else() -> Result<()> {
    let world = World::new(5)?;
    let other = World::new(5)?;
    world.take()?;
    let point = other.point();
    let taken =
        super::LogCopy::take(&other.data(), &Place::Dir(world.backup()), &point, 7).map(|_| ());
    let error = taken.err().context("another log")?;
    ensure!(matches!(refusal(&error), Some(BackupRefusal::OtherLog { .. })), "{error:#}");
    let taken = super::LogCopy::take(&world.data(), &Place::Dir(world.keys()), &world.point(), 7)
        .map(|_| ());
    let error = taken.err().context("keys")?;
    ensure!(matches!(refusal(&error), Some(BackupRefusal::OtherKind { .. })), "{error:#}");
    let taken = super::LogCopy::take(&world.data(), &Place::Dir(world.data()), &world.point(), 7)
        .map(|_| ());
    let error = taken.err().context("a data directory")?;
    ensure!(matches!(refusal(&error), Some(BackupRefusal::NotABackup(_))), "{error:#}");
    let mut point = world.point();
    point.head = facts::LogPosition(point.head.0 - 1);
    let taken =
        super::LogCopy::take(&world.data(), &Place::Dir(world.backup()), &point, 7).map(|_| ());
    let error = taken.err().context("an older copy")?;
    ensure!(matches!(refusal(&error), Some(BackupRefusal::Ahead { .. })), "{error:#}");
    point.incarnation += 1;
    let taken =
        super::LogCopy::take(&world.data(), &Place::Dir(world.backup()), &point, 7).map(|_| ());
    let error = taken.err().context("a later incarnation")?;
    ensure!(matches!(refusal(&error), Some(BackupRefusal::OtherIncarnation { .. })), "{error:#}");
    ensure!(look(&world)?.ok, "nothing was touched");
    let copy = super::LogCopy::take(&world.data(), &Place::Dir(world.backup()), &world.point(), 7)?;
    let taken = super::LogCopy::take(&world.data(), &Place::Dir(world.backup()), &world.point(), 7)
        .map(|_| ());
    let error = taken.err().context("a second run")?;
    ensure!(matches!(refusal(&error), Some(BackupRefusal::Busy(_))), "{error:#}");
    copy.commit()?;
    Ok(())
}

/// Small pseudo-random numbers (xorshift), the same ones every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap_or(0)
    }
}

/// Changes one thing about the files of a backup; answers which file, and how.
fn mutate(
    dir: &Path,
    names: &[String],
    older: &Path,
    numbers: &mut Numbers,
) -> Result<(String, &'static str)> {
    let name = names[numbers.below(names.len())].clone();
    let other = names[numbers.below(names.len())].clone();
    let path = dir.join(&name);
    let mut bytes = fs::read(&path)?;
    let what = match numbers.below(7) {
        0 => {
            let at = numbers.below(bytes.len());
            bytes[at] ^= 1 << numbers.below(8);
            "flip"
        }
        1 => {
            let (at, count) = (numbers.below(bytes.len()), 1 + numbers.below(40));
            bytes.drain(at..(at + count).min(bytes.len()));
            "drop"
        }
        2 => {
            let at = numbers.below(bytes.len());
            bytes.insert(at, 0);
            "insert"
        }
        3 => {
            let half = bytes.len() / 2;
            let (front, back) = bytes.split_at(half);
            let swapped = [back, front].concat();
            if swapped == bytes {
                bytes[0] ^= 1;
            } else {
                bytes = swapped;
            }
            "reorder"
        }
        4 => {
            bytes.truncate(numbers.below(bytes.len()));
            "truncate"
        }
        5 if other != name && fs::read(dir.join(&other))? != bytes => {
            bytes = fs::read(dir.join(&other))?;
            "exchange"
        }
        _ => {
            let old = older.join(&name);
            if old.is_file() && fs::read(&old)? != bytes {
                bytes = fs::read(old)?;
                "roll back"
            } else {
                fs::remove_file(&path)?;
                return Ok((name, "remove"));
            }
        }
    };
    fs::write(&path, bytes)?;
    Ok((name, what))
}

/// What a finding is about.
fn located(finding: &BackupFinding) -> &str {
    match finding {
        BackupFinding::Manifest { .. }
        | BackupFinding::Checkpoint { .. }
        | BackupFinding::Disagrees { .. } => "manifest.jsonl",
        BackupFinding::Missing { file, .. }
        | BackupFinding::NoFile { file }
        | BackupFinding::Altered { file, .. }
        | BackupFinding::Unlisted { file } => file,
        BackupFinding::Log { .. } => "log",
    }
}

/// Random changes, unless `CHANCERY_MUTATIONS` says otherwise.
const MUTATIONS: usize = 2_500;

#[test]
fn every_mutation_is_detected_and_located() -> Result<()> {
    let world = World::new(30)?;
    for number in 1..5 {
        world.media(number, &[number; 300])?;
    }
    world.take()?;
    let older = tempfile::tempdir()?;
    copy(&world.backup(), older.path())?;
    world.talk(10)?;
    world.take()?;
    let good = files(&world.backup())?;
    let prefix = format!("{}/", world.backup().display());
    let names: Vec<String> = good
        .keys()
        .map(|name| name.trim_start_matches(&prefix).to_owned())
        .filter(|name| name != "lock")
        .collect();
    let (keys, mut numbers) = (trusted(&world), Numbers(0x9e37_79b9_7f4a_7c15));
    let wanted = std::env::var("CHANCERY_MUTATIONS").ok();
    let wanted = wanted.map(|count| count.parse()).transpose()?.unwrap_or(MUTATIONS);
    for round in 0..wanted {
        let (name, what) = mutate(&world.backup(), &names, older.path(), &mut numbers)?;
        let found = inspect(&world.backup(), None, &keys, &[])?;
        let rolled = name == "manifest.jsonl" && what == "roll back";
        ensure!(!found.ok, "round {round}: {what} of {name} was not noticed");
        // An older manifest is whole; what it names is not all there any more.
        let at = found.findings.iter().any(|finding| located(finding) == name);
        ensure!(at || rolled, "round {round}: {what} of {name}: {:?}", found.findings);
        fs::write(world.backup().join(&name), &good[&format!("{prefix}{name}")])?;
    }
    fs::write(world.backup().join("media").join("one more"), b"x")?;
    let found = inspect(&world.backup(), None, &keys, &[])?;
    let expected = [BackupFinding::Unlisted { file: "media/one more".to_owned() }];
    ensure!(found.findings == expected, "{found:?}");
    Ok(())
}

#[test]
fn a_backup_that_was_replaced_by_an_older_one_shows_against_a_later_checkpoint() -> Result<()> {
    let world = World::new(10)?;
    world.take()?;
    let older = tempfile::tempdir()?;
    copy(&world.backup(), older.path())?;
    world.talk(10)?;
    let kept = world.point().checkpoint.context("a checkpoint")?;
    let kept = super::newest::parse(&kept).context("a checkpoint")?.0;
    let keys = trusted(&world);
    ensure!(inspect(older.path(), None, &keys, &[])?.ok, "by itself it is whole");
    let found = inspect(older.path(), None, &keys, std::slice::from_ref(&kept))?;
    let rolled_back = |finding: &BackupFinding| {
        let words = serde_json::to_string(finding).unwrap_or_default();
        words.contains("rolled_back")
    };
    ensure!(found.findings.iter().any(rolled_back), "{found:?}");
    // A manifest that somebody made to fit is not signed for what it says.
    let stranger = World::new(1)?;
    let found = inspect(older.path(), None, &trusted(&stranger), &[])?;
    let unsigned = |finding: &BackupFinding| matches!(finding, BackupFinding::Checkpoint { .. });
    ensure!(found.findings.iter().any(unsigned), "{found:?}");
    Ok(())
}

#[test]
fn links_in_place_of_files_are_found_and_a_lost_manifest_is_named() -> Result<()> {
    let world = World::new(10)?;
    world.media(1, &[1; 300])?;
    world.take()?;
    let (keys, elsewhere) = (trusted(&world), tempfile::tempdir()?);
    let prefix = format!("{}/", world.backup().display());
    let names = files(&world.backup())?.into_keys();
    let names: Vec<_> = names.map(|name| name.trim_start_matches(&prefix).to_owned()).collect();
    for name in names.iter().filter(|name| *name != "lock") {
        let (path, away) = (world.backup().join(name), elsewhere.path().join("away"));
        fs::rename(&path, &away)?;
        std::os::unix::fs::symlink(&away, &path)?;
        let found = inspect(&world.backup(), None, &keys, &[])?;
        let expected = [BackupFinding::NoFile { file: name.clone() }];
        ensure!(found.findings == expected, "{name}: {found:?}");
        fs::remove_file(&path)?;
        fs::rename(&away, &path)?;
    }
    ensure!(inspect(&world.backup(), None, &keys, &[])?.ok, "put back, it is whole");

    fs::remove_file(world.backup().join("manifest.jsonl"))?;
    ensure!(super::is_backup(&world.backup()), "its segments are those of a backup");
    let found = inspect(&world.backup(), None, &keys, &[])?;
    let [BackupFinding::Manifest { why }] = found.findings.as_slice() else {
        anyhow::bail!("{found:?}");
    };
    ensure!(why.contains("manifest.jsonl is not there"), "{why}");
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let target = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy(&file.path(), &target)?;
        } else {
            fs::copy(file.path(), target)?;
        }
    }
    Ok(())
}
