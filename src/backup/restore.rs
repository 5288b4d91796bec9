//! Making a data directory out of a backup.
//!
//! Owns the order: everything is made in `<to>.restoring`, verified while it is copied and as a
//! whole, given its keyring without what was ordered destroyed since, opened, put into a new
//! incarnation, and only then renamed to where it is wanted. So a data directory at the end has
//! always had every known order carried out, before anybody could read from it.
//! Views, folds and the ledger's tree are not copied: they are made anew from the log (I7).

mod keys;
mod segments;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use event_log::{
    Clock, GoOn, Keyring, Log, LogOptions, SystemRandom,
    backup::{read_newer, segment_paths},
    ledger::{CheckRequest, check_directory},
};
use facts::{Incarnation, LogPosition, fact::ForkReason};
use serde::Serialize;

pub(super) use self::segments::fetch;
use super::{
    BackupRefusal, Newest, NewestRequest,
    digest::sync_dir,
    dir_store::{self, DirStore},
    manifest::{Kind, Manifest},
    newest::{self, Older},
    place::Place,
    store::Store,
    target::manifest_of,
};

/// What to restore, and where.
#[derive(Clone, Debug)]
pub(crate) struct Restore {
    /// The backup of the log.
    pub(crate) from: Place,
    /// The backup of the keys.
    pub(crate) keys_from: PathBuf,
    /// The data directory to make.
    pub(crate) to: PathBuf,
    /// The last entry to keep; all of them without it.
    pub(crate) position: Option<LogPosition>,
    /// What is known of later entries.
    pub(crate) newest: NewestRequest,
}

/// A step of a restore. A crash before any of them leaves `<to>.restoring`, which the next run
/// removes, and nothing at `<to>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Copy the segments.
    Segments,
    /// Copy the media.
    Media,
    /// Copy and open the keys of the backup.
    ReadKeys,
    /// Write the new keyring.
    WriteKeys,
    /// Overwrite and remove the copied keys.
    ForgetKeys,
    /// Open the log and put it into a new incarnation.
    GoOn,
    /// Rename it to where it is wanted.
    PutInPlace,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RestoreReport {
    /// The last entry that was kept, which ends a batch.
    pub(crate) kept_through: LogPosition,
    /// Entries of the newest copy that was found and that are not here.
    pub(crate) left_out: u64,
    /// Orders of that part that were carried out.
    pub(crate) orders: usize,
    /// The new incarnation.
    pub(crate) incarnation: Incarnation,
    /// Files of media.
    pub(crate) media: u64,
}

/// A restore whose parts fit together.
pub(crate) struct Ready {
    restore: Restore,
    store: Box<dyn Store>,
    log: Manifest,
    keys: Manifest,
    through: LogPosition,
}

impl Restore {
    /// Looks whether it can be done, and changes nothing.
    pub(crate) fn prepare(self) -> Result<Ready> {
        let store = self.from.open()?;
        // First of all: whoever named the wrong place hears of nothing else.
        let log = manifest_of(&*store, Kind::Log)?;
        if is_occupied(&self.to)? {
            return Err(BackupRefusal::Occupied(self.to).into());
        }
        let keys = manifest_of(&DirStore::for_reading(&self.keys_from), Kind::Keys)?;
        if log.about.log_id != keys.about.log_id {
            return Err(BackupRefusal::OtherLog {
                place: self.keys_from.display().to_string(),
                expected: log.about.log_id,
                found: keys.about.log_id,
            }
            .into());
        }
        let head = log.about.head;
        let through = self.position.unwrap_or(head);
        if through > head {
            return Err(BackupRefusal::Beyond { head, wanted: through }.into());
        }
        Ok(Ready { restore: self, store, log, keys, through })
    }
}

impl Ready {
    /// What will happen, in words; `now` in milliseconds since the Unix epoch.
    pub(crate) fn words(&self, now: u64) -> Vec<String> {
        let Restore { from, to, .. } = &self.restore;
        let (about, through) = (&self.log.about, self.through);
        let mut words = vec![
            format!(
                "The log of {} is restored from {} to {}, up to position {through} (the backup \
                 ends at {}).",
                about.server_name,
                from,
                to.display(),
                about.head,
            ),
            "What was ordered destroyed later, as far as a newer copy is named, is destroyed before \
             anything is read."
                .to_owned(),
            "A new incarnation begins: clients sync from scratch, and no other copy of this log may \
             go on."
                .to_owned(),
        ];
        if self.restore.newest.copies.is_empty() {
            words.push(
                "No newer copy is named (--orders-from): orders to destroy that were given after \
                 the backup are not known."
                    .to_owned(),
            );
        }
        if self.keys.about.keep_until.is_some_and(|until| until < now) {
            words.push(
                "This copy of the keyring is past the day by which it had to be gone: it may open \
                 what was destroyed since."
                    .to_owned(),
            );
        }
        if let Some(through) = self.restore.newest.give_up_through {
            words.push(format!(
                "Orders to destroy among the first {through} entries that no copy has are GIVEN UP."
            ));
        }
        words
    }

    /// Does it. A run that is broken off leaves `<to>.restoring`, which the next one removes, and
    /// nothing at `<to>`.
    pub(crate) fn run(self, clock: Arc<dyn Clock>) -> Result<RestoreReport> {
        self.run_with(clock, |_| Ok(()))
    }

    fn run_with(
        self,
        clock: Arc<dyn Clock>,
        before: impl Fn(Step) -> Result<()>,
    ) -> Result<RestoreReport> {
        let work = work_dir(&self.restore.to);
        let _lock = begin(&work)?;
        before(Step::Segments)?;
        segments::copy(&*self.store, &self.log, self.through, &work)?;
        before(Step::Media)?;
        let media = segments::copy_media(&*self.store, &self.log, &work)?;
        before(Step::ReadKeys)?;
        let keyring = keys::open(&self.restore.keys_from, &self.keys, &work)?;
        let (end, entries) = self.verify(&work, &keyring)?;
        let newest = self.newest(&work, &keyring, end)?;
        let left_out = newest.entries - entries;
        before(Step::WriteKeys)?;
        // Without what was ordered destroyed: those keys are never written here.
        let ranges: Vec<_> =
            newest.orders.iter().flat_map(|order| order.ranges.iter().copied()).collect();
        keys::write(&work, &keyring, &ranges, end)?;
        drop(keyring);
        before(Step::ForgetKeys)?;
        keys::forget_staged(&work)?;
        let orders = newest.orders.len();
        before(Step::GoOn)?;
        let incarnation = self.go_on(&work, newest, clock)?;
        before(Step::PutInPlace)?;
        self.put_in_place(&work)?;
        Ok(RestoreReport { kept_through: end, left_out, orders, incarnation, media })
    }

    /// The whole log that was copied, held against the checkpoint that the backup has.
    fn verify(&self, work: &Path, keyring: &Keyring) -> Result<(LogPosition, u64)> {
        let about = &self.log.about;
        let checkpoint = about.checkpoint.as_deref().and_then(newest::parse);
        let checkpoints: Vec<_> =
            checkpoint.map(|(checkpoint, _)| checkpoint).into_iter().collect();
        let covered: Vec<_> = checkpoints
            .iter()
            .filter(|checkpoint| checkpoint.size <= self.through.0 + 1)
            .cloned()
            .collect();
        let request =
            CheckRequest { data_dir: work, keyring: Some(keyring), checkpoints: &covered };
        let report = check_directory(&request).context("the copied log cannot be read")?;
        if let Some(finding) = report.finding {
            let what = serde_json::to_string(&finding)?;
            let file = self.restore.from.to_string();
            return Err(BackupRefusal::Damaged { file, what }.into());
        }
        let entries = report.entries;
        let end = entries.checked_sub(1).context("the backup holds no entry")?;
        Ok((LogPosition(end), entries))
    }

    fn newest(&self, work: &Path, keyring: &Keyring, end: LogPosition) -> Result<Newest> {
        let segments = segment_paths(&work.join("log").join("segments"))?;
        let own = read_newer(&segments, keyring, end)?;
        let mut request = self.restore.newest.clone();
        // The backup itself has orders behind the position that is restored to.
        request.copies.push(self.restore.from.clone());
        let older = Older {
            log_id: &self.log.about.log_id,
            end,
            digest: own.digest.context("the last entry of the copied log is not there")?,
            incarnation: own.incarnation.unwrap_or(Incarnation(1)),
            keyring,
            keys_dir: &keys::staged(work),
        };
        Newest::find(&older, &request)
    }

    fn go_on(&self, work: &Path, newest: Newest, clock: Arc<dyn Clock>) -> Result<Incarnation> {
        let options = LogOptions::new(work, self.log.about.server_name.as_str());
        let log = Log::open(options, clock, Arc::new(SystemRandom))
            .with_context(|| format!("the restored log in {} cannot be opened", work.display()))?;
        let how =
            GoOn { reason: ForkReason::Restore, above: newest.incarnation, orders: newest.orders };
        let incarnation = log
            .go_on(how)
            .with_context(|| format!("no new incarnation could be begun in {}", work.display()))?;
        log.scavenge().with_context(|| {
            format!("what is destroyed could not be dropped from segments in {}", work.display())
        })?;
        log.close();
        Ok(incarnation)
    }

    /// The last step: before the rename there is no data directory, after it a whole one and a lock
    /// file too many, which the next run takes.
    fn put_in_place(&self, work: &Path) -> Result<()> {
        sync_dir(work)?;
        let to = &self.restore.to;
        fs::rename(work, to).map_err(BackupRefusal::unwritten(to))?;
        sync_dir(parent(to))?;
        let lock = lock_file(work);
        fs::remove_file(&lock).with_context(|| format!("cannot remove {}", lock.display()))
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Beside where it is wanted, so that it can be renamed there.
fn work_dir(to: &Path) -> PathBuf {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    to.with_file_name(name)
}

fn is_occupied(to: &Path) -> Result<bool> {
    match fs::read_dir(to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", to.display())),
        Ok(mut files) => Ok(files.next().is_some()),
    }
}

/// Beside the directory that is being made; by it a later run knows that it may remove that.
fn lock_file(work: &Path) -> PathBuf {
    let mut name = work.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    work.with_file_name(name)
}

/// An empty directory to work in, with its lock. What a run that broke off left is removed, keys
/// being overwritten first.
fn begin(work: &Path) -> Result<fs::File> {
    let lock = lock_file(work);
    if work.exists() && !lock.exists() {
        return Err(BackupRefusal::Occupied(work.to_owned()).into());
    }
    dir_store::make_dir(parent(work))?;
    let lock = dir_store::lock(&lock)?.ok_or_else(|| BackupRefusal::Busy(work.to_owned()))?;
    if work.exists() {
        keys::erase_all(work)?;
        fs::remove_dir_all(work).with_context(|| format!("cannot remove {}", work.display()))?;
    }
    dir_store::make_dir(work)?;
    Ok(lock)
}
