//! A backup in a directory.
//!
//! Owns how files get their names there: made in `unfinished/`, synced, renamed, the directory
//! synced. A crash leaves files in `unfinished/`, which the next run removes, or whole files that
//! no manifest names, which it takes up. `lock` keeps two runs apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{
    BackupRefusal,
    digest::{self, Seen, sync_dir},
    manifest::{FileEntry, MANIFEST, MANIFEST_BYTES_MAX},
    store::{Lock, Store},
};

/// Where files stand until they are whole; there while a run is under way or was broken off.
pub(super) const UNFINISHED: &str = "unfinished";
const LOCK: &str = "lock";
/// Folders in folders.
const DEPTH_MAX: usize = 4;

/// A durable step of a run, and what a crash just before it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Rename a whole file to its name. Before: it is in `unfinished/`, and goes with the next run.
    Put,
    /// Sync the directories of new names. Before: files that no manifest names, some of whose
    /// names may vanish.
    SyncNames,
    /// Write the new manifest in `unfinished/`. Before: the backup before, and files that no
    /// manifest names, which the next run takes up.
    WriteManifest,
    /// Rename it to its name. Before: the same.
    RenameManifest,
    /// Remove a file that the manifest does not name. Before: the new backup, and files too many.
    Remove,
    /// Remove `unfinished/`. Before: the new backup, which says that a run was broken off.
    Finish,
}

/// Called before every step; an error stands for the step's own failure.
pub(crate) type BeforeStep = Box<dyn FnMut(Step) -> io::Result<()> + Send>;

/// The directory.
pub(crate) struct DirStore {
    dir: PathBuf,
    staging: PathBuf,
    before: BeforeStep,
    /// Directories whose new names are not durable yet.
    unsynced: BTreeSet<PathBuf>,
    _lock: Option<File>,
}

impl DirStore {
    /// Opens a directory to take a backup into; makes it if it is not there. Refuses one that
    /// holds anything else.
    pub(crate) fn for_writing(dir: &Path, before: BeforeStep) -> Result<Self> {
        make_dir(dir)?;
        if !is_ours(dir)? {
            return Err(BackupRefusal::NotABackup(dir.to_owned()).into());
        }
        let lock = lock(&dir.join(LOCK))?.ok_or_else(|| BackupRefusal::Busy(dir.to_owned()))?;
        let staging = dir.join(UNFINISHED);
        make_dir(&staging)?;
        let store = Self {
            dir: dir.to_owned(),
            staging,
            before,
            unsynced: BTreeSet::new(),
            _lock: Some(lock),
        };
        store.empty_staging()?;
        sync_dir(dir)?;
        Ok(store)
    }

    /// Opens one to read.
    pub(crate) fn for_reading(dir: &Path) -> Self {
        let staging = dir.join(UNFINISHED);
        let before: BeforeStep = Box::new(|_| Ok(()));
        Self { dir: dir.to_owned(), staging, before, unsynced: BTreeSet::new(), _lock: None }
    }

    /// True while a run is under way, and after one that was broken off.
    pub(super) fn is_unfinished(&self) -> bool {
        self.staging.is_dir()
    }

    fn empty_staging(&self) -> Result<()> {
        let named = || format!("cannot empty {}", self.staging.display());
        for file in fs::read_dir(&self.staging).with_context(named)? {
            let path = file.with_context(named)?.path();
            if path.is_dir() {
                // What a run made there may be keys.
                for inside in fs::read_dir(&path).with_context(named)? {
                    erase(&inside.with_context(named)?.path())?;
                }
                fs::remove_dir_all(path).with_context(named)?;
            } else {
                fs::remove_file(path).with_context(named)?;
            }
        }
        Ok(())
    }

    fn sync_names(&mut self) -> Result<()> {
        (self.before)(Step::SyncNames)?;
        for dir in std::mem::take(&mut self.unsynced) {
            sync_dir(&dir)?;
        }
        Ok(())
    }
}

impl Store for DirStore {
    fn name(&self) -> String {
        self.dir.display().to_string()
    }

    fn staging(&self) -> &Path {
        &self.staging
    }

    fn list(&self) -> Result<BTreeMap<String, u64>> {
        let mut found = BTreeMap::new();
        if !self.dir.exists() {
            return Ok(found);
        }
        list_into(&self.dir, "", 0, &mut found)?;
        Ok(found)
    }

    fn list_kept(&self, folder: &str) -> Result<BTreeSet<String>> {
        Ok(self.list()?.into_keys().filter(|name| name.starts_with(folder)).collect())
    }

    fn put(&mut self, staged: &Path, name: &str) -> Result<()> {
        let path = self.dir.join(name);
        let parent = path.parent().unwrap_or(&self.dir).to_owned();
        if !parent.is_dir() {
            make_dir(&parent)?;
            for above in parent.ancestors().skip(1).take_while(|above| above.starts_with(&self.dir))
            {
                self.unsynced.insert(above.to_owned());
            }
        }
        (self.before)(Step::Put)?;
        // A crash behind the rename leaves a whole file that no manifest names.
        fs::rename(staged, &path).map_err(BackupRefusal::unwritten(&path))?;
        self.unsynced.insert(parent);
        Ok(())
    }

    fn put_manifest(&mut self, text: &str) -> Result<()> {
        // Everything that it names must be there first.
        self.sync_names()?;
        (self.before)(Step::WriteManifest)?;
        let staged = self.staging.join(MANIFEST);
        let mut options = OpenOptions::new();
        let written =
            options.write(true).create_new(true).mode(0o600).open(&staged).and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            });
        written.map_err(BackupRefusal::unwritten(&staged))?;
        (self.before)(Step::RenameManifest)?;
        let path = self.dir.join(MANIFEST);
        fs::rename(&staged, &path).map_err(BackupRefusal::unwritten(&path))?;
        Ok(sync_dir(&self.dir)?)
    }

    fn manifest(&self) -> Result<Option<String>> {
        let bytes = read_at_most(&self.dir.join(MANIFEST), MANIFEST_BYTES_MAX)?;
        // What is no text is no manifest either; that is said where it is parsed.
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn fetch(&self, name: &str, _sha256: &str, to: &Path, _most: u64) -> Result<Option<Seen>> {
        let path = self.dir.join(name);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let seen = digest::copy(&mut file, to)
            .with_context(|| format!("cannot copy {}", path.display()))?;
        Ok(Some(seen))
    }

    fn read_small(&self, name: &str, _sha256: &str, most: u64) -> Result<Option<Vec<u8>>> {
        read_at_most(&self.dir.join(name), most)
    }

    fn remove(&mut self, name: &str, _lock: Lock, overwrite: bool) -> Result<()> {
        (self.before)(Step::Remove)?;
        let path = self.dir.join(name);
        if overwrite {
            erase(&path)?;
        }
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        if let Some(parent) = path.parent() {
            // A folder that is empty now goes too; one that is not stays.
            let _ = fs::remove_dir(parent);
        }
        Ok(())
    }

    fn keep(&mut self, _name: &str, entry: &FileEntry) -> Result<Lock> {
        Ok(entry.lock())
    }

    fn take_up(&mut self, _name: &str, _entry: &FileEntry) -> Result<Option<Lock>> {
        Ok(None)
    }

    fn lock(&self) -> Lock {
        Lock::default()
    }

    fn lock_days(&self) -> Option<u32> {
        None
    }

    fn finish(&mut self) -> Result<()> {
        (self.before)(Step::Finish)?;
        self.empty_staging()?;
        fs::remove_dir(&self.staging)
            .with_context(|| format!("cannot remove {}", self.staging.display()))?;
        Ok(sync_dir(&self.dir)?)
    }
}

/// A file, or its first bytes where it is longer; `None` where there is none.
fn read_at_most(path: &Path, most: u64) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Overwrites a file with zeros.
pub(super) fn erase(path: &Path) -> Result<(), BackupRefusal> {
    let erased = OpenOptions::new().write(true).open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        io::copy(&mut io::repeat(0).take(length), &mut file)?;
        file.sync_all()
    });
    erased.map_err(BackupRefusal::unwritten(path))
}

/// Makes a directory for its owner only, with those above it.
pub(super) fn make_dir(dir: &Path) -> Result<(), BackupRefusal> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(BackupRefusal::unwritten(dir))
}

/// The lock file's lock; `None` where another process has it.
pub(super) fn lock(path: &Path) -> Result<Option<File>> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(BackupRefusal::unwritten(path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(BackupRefusal::unwritten(path)(error).into()),
    }
}

/// Empty, or what a run made.
fn is_ours(dir: &Path) -> Result<bool> {
    let named = || format!("cannot read {}", dir.display());
    let mut names = BTreeSet::new();
    for file in fs::read_dir(dir).with_context(named)? {
        names.insert(file.with_context(named)?.file_name());
    }
    let has = |name: &str| names.contains(Path::new(name).as_os_str());
    Ok(names.is_empty() || has(MANIFEST) || has(UNFINISHED) || (names.len() == 1 && has(LOCK)))
}

fn list_into(
    dir: &Path,
    above: &str,
    depth: usize,
    found: &mut BTreeMap<String, u64>,
) -> Result<()> {
    for file in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let file = file?;
        let name = file.file_name();
        let name = name.to_string_lossy();
        if depth == 0 && [MANIFEST, LOCK, UNFINISHED].contains(&name.as_ref()) {
            continue;
        }
        let path = if above.is_empty() { name.into_owned() } else { format!("{above}/{name}") };
        if file.file_type()?.is_dir() && depth < DEPTH_MAX {
            list_into(&file.path(), &path, depth + 1, found)?;
        } else {
            found.insert(path, file.metadata()?.len());
        }
    }
    Ok(())
}
