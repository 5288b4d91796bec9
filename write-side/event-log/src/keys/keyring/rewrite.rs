//! The keyring on disk, and how it is replaced so that the old one can never be opened again.
//!
//! Owns the files `keyring`, `keyring.new` and `wrap-<generation>` of the keys directory, and the
//! order of steps. Generation g+1 is sealed under a key of its own; as soon as it is durable, the
//! key of generation g is overwritten and removed, and with it everything that g could open.
//! Invariants: I6; I7 (opening and rewriting clean up by the same function).
//!
//! Overwriting reaches the blocks of the file where the file system writes in place. On
//! copy-on-write or log-structured storage the old block may survive until it is reused; there the
//! keys directory belongs on a device or service that can really forget.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use facts::LogId;
use zeroize::Zeroizing;

use super::{
    KeyringError,
    format::{self, Contents, KEYRING_BYTES_MAX, Prefix, WRAP_BYTES, WrappingKey},
};
use crate::random::Random;

const KEYRING: &str = "keyring";
const KEYRING_NEW: &str = "keyring.new";
const WRAP_PREFIX: &str = "wrap-";
const OWNER_ONLY: u32 = 0o600;
/// Above the keyring itself: its prefix, nonce and tag.
const FILE_BYTES_MAX: u64 = KEYRING_BYTES_MAX as u64 + 64;

/// A durable step of a rewrite from generation g to g+1, and what a crash just before it leaves.
/// In every case opening finds a keyring that it can read and removes the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create `wrap-<g+1>`. Before: nothing but generation g.
    WriteWrap,
    /// Flush it. Before: g, and an unused key that may be torn.
    SyncWrap,
    /// Flush the directory. Before: g, and an unused key whose name may vanish.
    SyncWrapName,
    /// Create `keyring.new`. Before: g, and an unused key.
    WriteNew,
    /// Flush it. Before: g, an unused key, and a new keyring that may be torn.
    SyncNew,
    /// Rename it over `keyring`. Before: g, and a complete g+1 under its temporary name.
    Rename,
    /// Flush the directory. Before: g or g+1 under the name `keyring`, with the keys of both.
    SyncName,
    /// Overwrite the key of g with zeros. Before: g+1, and the key of g without its keyring.
    EraseOldWrap,
    /// Flush the zeros. Before: g+1, and a key of g that may still be whole.
    SyncErasure,
    /// Remove the overwritten file. Before: g+1, and a file of zeros.
    RemoveOldWrap,
    /// Remove a `keyring.new` that a crash left behind. Before: as after [`Self::SyncName`].
    RemoveNew,
    /// Flush the directory. Before: g+1, and a file of zeros whose name may come back.
    SyncRemoval,
}

/// Called before every step; an error stands for the step's own failure.
pub(super) type BeforeStep = Box<dyn Fn(Step) -> io::Result<()> + Send + Sync>;

/// The keys directory.
pub(super) struct KeysDir {
    dir: PathBuf,
    before: BeforeStep,
}

impl KeysDir {
    pub(super) fn new(dir: &Path, before: BeforeStep) -> Self {
        Self { dir: dir.to_path_buf(), before }
    }

    /// Makes the directory, for its owner only, if it is not there.
    pub(super) fn make(&self) -> Result<(), KeyringError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .and_then(|()| match self.dir.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
                _ => Ok(()),
            })
            .map_err(|source| KeyringError::Step { step: Step::WriteWrap, source })
    }

    /// What the keyring file says in clear; `None` if there is none.
    pub(super) fn prefix(&self) -> Result<Option<Prefix>, KeyringError> {
        let Some(bytes) = read(&self.dir.join(KEYRING), 64)? else {
            return Ok(None);
        };
        let prefix = Prefix::of_keyring(&bytes).map_err(KeyringError::Damaged)?;
        Ok(Some(prefix))
    }

    /// Reads the keyring and its generation. Changes nothing.
    pub(super) fn load(&self, log_id: LogId) -> Result<(Contents, u64), KeyringError> {
        let path = self.dir.join(KEYRING);
        let bytes = read(&path, FILE_BYTES_MAX)?.ok_or(KeyringError::Missing)?;
        let prefix = Prefix::of_keyring(&bytes).map_err(KeyringError::Damaged)?;
        if prefix.log_id != log_id {
            return Err(KeyringError::OtherLog { expected: log_id, found: prefix.log_id });
        }
        let generation = prefix.generation;
        let wrap_path = self.wrap_path(generation);
        let wrap = read(&wrap_path, WRAP_BYTES as u64 + 1)?
            .ok_or(KeyringError::WrappingKeyMissing { generation })?;
        let key = WrappingKey::decode(&wrap, prefix)
            .map_err(|fault| KeyringError::WrappingKeyDamaged { generation, fault })?;
        let contents = format::open(bytes, &key).map_err(KeyringError::Damaged)?;
        Ok((contents, generation))
    }

    /// Narrows the mode of both files.
    pub(super) fn keep_to_owner(&self, generation: u64) -> Result<(), KeyringError> {
        for path in [self.dir.join(KEYRING), self.wrap_path(generation)] {
            keep_to_owner(&path).map_err(KeyringError::Read)?;
        }
        Ok(())
    }

    /// Replaces the keyring by one of a later generation. Returns when it is durable and every
    /// other wrapping key is gone.
    pub(super) fn replace(
        &self,
        prefix: Prefix,
        clear: Zeroizing<Vec<u8>>,
        random: &dyn Random,
    ) -> Result<(), KeyringError> {
        if clear.len() > KEYRING_BYTES_MAX {
            return Err(KeyringError::TooLarge { bytes: clear.len() });
        }
        let key = WrappingKey::fresh(random);
        let wrap_path = self.wrap_path(prefix.generation);
        // The key first: a keyring must never be durable while the key that opens it is not.
        let wrap = self.step(Step::WriteWrap, || create(&wrap_path, &key.encode(prefix)))?;
        self.step(Step::SyncWrap, || wrap.sync_all())?;
        self.step(Step::SyncWrapName, || self.sync_dir())?;

        let new_path = self.dir.join(KEYRING_NEW);
        let sealed = format::seal(prefix, &key, random, clear);
        let new = self.step(Step::WriteNew, || create(&new_path, &sealed))?;
        self.step(Step::SyncNew, || new.sync_all())?;
        self.step(Step::Rename, || fs::rename(&new_path, self.dir.join(KEYRING)))?;
        self.discard_all_but(prefix.generation)
    }

    /// Makes the present keyring durable and removes whatever does not belong to it.
    ///
    /// The directory is flushed before anything is removed: after a crash the name `keyring` may
    /// point to this generation in memory only, and a power loss could bring the older one back.
    pub(super) fn discard_all_but(&self, generation: u64) -> Result<(), KeyringError> {
        self.step(Step::SyncName, || self.sync_dir())?;
        let mut removed = false;
        for (path, other) in self.wraps()? {
            if other != generation {
                self.discard_wrap(&path)?;
                removed = true;
            }
        }
        let new = self.dir.join(KEYRING_NEW);
        if new.try_exists().map_err(KeyringError::Read)? {
            self.step(Step::RemoveNew, || fs::remove_file(&new))?;
            removed = true;
        }
        if removed {
            self.step(Step::SyncRemoval, || self.sync_dir())?;
        }
        Ok(())
    }

    fn discard_wrap(&self, path: &Path) -> Result<(), KeyringError> {
        let file = self.step(Step::EraseOldWrap, || {
            let mut file = OpenOptions::new().write(true).open(path)?;
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(WRAP_BYTES);
            // A wrapping key is this long; whatever else bears the name is not worth more.
            file.write_all(&[0; WRAP_BYTES][..length.min(WRAP_BYTES)])?;
            Ok(file)
        })?;
        self.step(Step::SyncErasure, || file.sync_all())?;
        self.step(Step::RemoveOldWrap, || fs::remove_file(path))
    }

    /// The highest generation of which a file exists; 0 if there is none.
    pub(super) fn last_generation(&self) -> Result<u64, KeyringError> {
        Ok(self.wraps()?.into_iter().map(|(_, g)| g).max().unwrap_or(0))
    }

    fn wraps(&self) -> Result<Vec<(PathBuf, u64)>, KeyringError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(KeyringError::Read)? {
            let name = entry.map_err(KeyringError::Read)?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix(WRAP_PREFIX));
            if let Some(generation) = number.and_then(|number| number.parse().ok()) {
                found.push((self.dir.join(&name), generation));
            }
        }
        Ok(found)
    }

    fn wrap_path(&self, generation: u64) -> PathBuf {
        self.dir.join(format!("{WRAP_PREFIX}{generation}"))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn step<T>(&self, step: Step, act: impl FnOnce() -> io::Result<T>) -> Result<T, KeyringError> {
        (self.before)(step)
            .and_then(|()| act())
            .map_err(|source| KeyringError::Step { step, source })
    }
}

/// Creates or replaces a file that only its owner can read.
fn create(path: &Path, bytes: &[u8]) -> io::Result<File> {
    // Never over an old file: it might be open elsewhere or have another mode.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Reads at most `bound` bytes; a longer file is cut and then fails its checks.
fn read(path: &Path, bound: u64) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(KeyringError::Read)?,
    };
    let length = file.metadata().map_err(KeyringError::Read)?.len().min(bound);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0)));
    file.take(bound).read_to_end(&mut bytes).map_err(KeyringError::Read)?;
    Ok(Some(bytes))
}

/// A copy may have come with a wider mode; it is narrowed rather than refused.
fn keep_to_owner(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "key file was readable by others; narrowed to 0600");
        permissions.set_mode(OWNER_ONLY);
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}
