//! Taking a backup of the log: segments up to the point, and the media that it names.
//!
//! Owns what is copied anew and what is known. A closed segment changes only by being replaced
//! (scavenging), which its stamp shows; its copy is named by content, so that the backup before
//! stays whole until the new manifest is there. Media are listed after the point was taken, so
//! every file that an entry up to the point names is among them.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use event_log::backup::{CopyFault, SegmentCopy, SegmentPath, copy_segment, segment_paths};
use facts::LogPosition;

use super::{
    BackupPoint, BackupRefusal, Place, Target, digest,
    manifest::{About, FileEntry, Kind, Manifest, SegmentEntries, Stamp},
    media_files::each_media_file,
};

/// A backup of the log that is under way.
pub(crate) struct LogCopy {
    target: Target,
    manifest: Manifest,
    report: CopyReport,
    locked_longer: bool,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct CopyReport {
    /// Last entry of the backup.
    pub(crate) head: LogPosition,
    /// Files of the backup.
    pub(crate) files: usize,
    /// Files that were copied by this run.
    pub(crate) copied: u64,
    /// And their bytes.
    pub(crate) copied_bytes: u64,
    /// Files of the backup before that are gone.
    pub(crate) removed: u64,
}

impl LogCopy {
    /// Copies what is not there yet. Nothing of it counts before [`Self::commit`].
    pub(crate) fn take(
        data_dir: &Path,
        to: &Place,
        point: &BackupPoint,
        taken_at: u64,
    ) -> Result<Self> {
        Self::take_into(to.target(point, taken_at)?, data_dir, point, taken_at)
    }

    pub(super) fn take_into(
        target: Target,
        data_dir: &Path,
        point: &BackupPoint,
        taken_at: u64,
    ) -> Result<Self> {
        let mut manifest = Manifest::new(About::new(Kind::Log, point, taken_at));
        manifest.about.locked_days = target.store.lock_days();
        let before = target.before.as_ref().and_then(|before| before.about.locked_days);
        let locked_longer = manifest.about.locked_days > before;
        let report = CopyReport { head: point.head, ..CopyReport::default() };
        let mut copy = Self { target, manifest, report, locked_longer };
        copy.segments(&data_dir.join("log").join("segments"), point.head)?;
        copy.media(data_dir)?;
        Ok(copy)
    }

    /// Makes it the backup.
    pub(crate) fn commit(mut self) -> Result<CopyReport> {
        self.report.files = self.manifest.files.len();
        self.report.removed = self.target.commit(&self.manifest)?;
        Ok(self.report)
    }

    fn segments(&mut self, dir: &Path, head: LogPosition) -> Result<()> {
        let segments = segment_paths(dir)
            .with_context(|| format!("the segments in {} cannot be listed", dir.display()))?;
        let mut end = None;
        for segment in segments.iter().filter(|segment| segment.first <= head) {
            let last = self.segment(segment, head).with_context(|| {
                format!("the segment {} cannot be copied", segment.path.display())
            })?;
            end = last.or(end);
        }
        anyhow::ensure!(
            end == Some(head),
            "the segments end at {end:?}, and the log at {head}; `chancery log verify` says more"
        );
        Ok(())
    }

    fn segment(&mut self, segment: &SegmentPath, head: LogPosition) -> Result<Option<LogPosition>> {
        let stamp = stamp(&fs::metadata(&segment.path)?);
        if let Some((name, entry)) = self.known_segment(segment.first, stamp) {
            let last = entry.segment.map(|entries| entries.last);
            if self.keep(name, entry)? {
                return Ok(last);
            }
        }
        let staged = self.staged();
        let copied = copied(copy_segment(segment, head, &staged))?;
        let Some((last, _)) = copied.last else {
            removed(&staged)?;
            return Ok(None);
        };
        let sha256 = hex::encode(copied.sha256);
        let name = format!("log/segments/{:020}-{}.seg", segment.first.0, &sha256[..16]);
        let entry = FileEntry {
            bytes: copied.bytes,
            sha256,
            segment: Some(SegmentEntries { first: segment.first, last, closed: copied.closed }),
            // Taken before the copy: one that was replaced meanwhile is copied again next time.
            stamp: copied.closed.then_some(stamp),
            locked_until: None,
            held: false,
        };
        self.put(&staged, name, entry)?;
        Ok(Some(last))
    }

    fn known_segment(&self, first: LogPosition, stamp: Stamp) -> Option<(String, FileEntry)> {
        let before = self.target.before.as_ref()?;
        // What is locked cannot go, so that a segment that scavenging has replaced stays there as
        // it was: it is the same entries, and what is destroyed has no keys.
        let stays = self.target.store.lock().until.is_some();
        let same = |entry: &FileEntry| {
            entry.segment.is_some_and(|entries| {
                entries.first == first && (entry.stamp == Some(stamp) || stays && entries.closed)
            })
        };
        let (name, _) = before.files.iter().find(|(_, entry)| same(entry))?;
        Some((name.clone(), self.target.known(name)?.clone()))
    }

    fn media(&mut self, data_dir: &Path) -> Result<()> {
        each_media_file(data_dir, |name, path| {
            if let Some(entry) = self.target.known(&name) {
                let entry = entry.clone();
                if self.keep(name.clone(), entry)? {
                    return Ok(());
                }
            }
            let mut file = match File::open(path) {
                // Its keys were destroyed and it went, since the directory was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                other => other.with_context(|| format!("cannot read {}", path.display()))?,
            };
            let staged = self.staged();
            let seen = digest::copy(&mut file, &staged)
                .with_context(|| format!("cannot copy {}", path.display()))?;
            let entry = FileEntry::of(seen);
            self.put(&staged, name, entry)
        })
    }

    /// Keeps a file of the backup before; false where it is to be put again.
    fn keep(&mut self, name: String, entry: FileEntry) -> Result<bool> {
        // By what is in force now it must be locked for longer than it was put for.
        let known = entry.locked_until.filter(|_| !self.locked_longer);
        let entry = FileEntry { locked_until: known, ..entry };
        let lock = match self.target.store.keep(&name, &entry) {
            Err(error) if BackupRefusal::is_put_again(&error) => return Ok(false),
            kept => kept?,
        };
        self.manifest.add(name, entry.locked(lock))?;
        Ok(true)
    }

    fn put(&mut self, staged: &Path, name: String, entry: FileEntry) -> Result<()> {
        let left_there = self.target.there.get(&name) == Some(&entry.bytes);
        let known = if left_there { self.target.store.take_up(&name, &entry)? } else { None };
        if let Some(lock) = known {
            removed(staged)?;
            return Ok(self.manifest.add(name, entry.locked(lock))?);
        }
        let entry = entry.locked(self.target.store.lock());
        self.target.store.put(staged, &name)?;
        self.report.copied += 1;
        self.report.copied_bytes += entry.bytes;
        Ok(self.manifest.add(name, entry)?)
    }

    fn staged(&self) -> PathBuf {
        self.target.store.staging().join(format!("{}", self.report.copied))
    }
}

/// What was copied; where it could not be written, a refusal that names the copy.
pub(super) fn copied(copied: Result<SegmentCopy, CopyFault>) -> Result<SegmentCopy> {
    copied.map_err(|fault| match fault {
        CopyFault::Write { to, error } => BackupRefusal::unwritten(&to)(error).into(),
        CopyFault::Read(fault) => fault.into(),
    })
}

fn removed(staged: &Path) -> Result<()> {
    fs::remove_file(staged).with_context(|| format!("cannot remove {}", staged.display()))
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    Stamp {
        inode: metadata.ino(),
        changed_ns: metadata.mtime().saturating_mul(1_000_000_000) + metadata.mtime_nsec(),
        bytes: metadata.len(),
    }
}
