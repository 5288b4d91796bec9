//! Blobs as files: `<data_dir>/media/<2>/<name>`, names and keys random.
//!
//! Owns writing as a stream (a file under `new/`, fsynced, renamed, its directory fsynced) and
//! reading of ranges. Knows nothing of media ids; never shares a blob between uploads.
//! Invariants: I9, I10 (a blob has a largest size; one chunk is in memory at a time).

use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
};

use event_log::Random;
use sha2::{Digest, Sha256};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _},
};

use super::sealed_chunk::{CHUNK_BYTES, ChunkKey, MAGIC, TAG_BYTES};

/// Where files stand until they are whole.
const NEW_DIR: &str = "new";
/// Random bytes of a name.
const NAME_BYTES: usize = 16;

/// Why a blob was not written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobFault {
    /// 413 `M_TOO_LARGE`: more bytes than allowed.
    #[error("the media is too large")]
    TooLarge,
    /// There is no such blob.
    #[error("there is no such blob")]
    Missing,
    /// The file is not what was written.
    #[error("the blob is damaged")]
    Damaged,
    /// The disk misbehaved.
    #[error("the media directory could not be read or written")]
    Io(#[from] io::Error),
}

/// A blob that is durable.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: [u8; 32],
    /// Length of the clear bytes.
    pub bytes: u64,
    /// SHA-256 of the clear bytes.
    pub sha256: [u8; 32],
}

impl std::fmt::Debug for StoredBlob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredBlob")
            .field("name", &self.name)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// The directory of blobs.
#[derive(Clone, Debug)]
pub struct BlobStore {
    dir: PathBuf,
}

impl BlobStore {
    /// Opens `<data_dir>/media`; removes what an earlier run left unfinished.
    pub async fn open(dir: PathBuf) -> Result<Self, BlobFault> {
        let new = dir.join(NEW_DIR);
        match fs::remove_dir_all(&new).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::create_dir_all(&new).await?;
        sync_dir(&dir).await?;
        Ok(Self { dir })
    }

    /// Begins a blob of at most `bytes_max` clear bytes.
    pub async fn begin(
        &self,
        random: &dyn Random,
        bytes_max: u64,
    ) -> Result<BlobWriter, BlobFault> {
        let mut name = [0; NAME_BYTES];
        let mut key = [0; 32];
        random.fill(&mut name);
        random.fill(&mut key);
        let name = hex::encode(name);
        let path = self.dir.join(NEW_DIR).join(&name);
        let mut file = File::create_new(&path).await?;
        file.write_all(&MAGIC).await?;
        Ok(BlobWriter {
            store: self.clone(),
            unfinished: Unfinished(Some(path)),
            file,
            name,
            key,
            chunk_key: ChunkKey::new(&key),
            chunk: Vec::with_capacity(CHUNK_BYTES + TAG_BYTES),
            index: 0,
            bytes: 0,
            bytes_max,
            sha256: Sha256::new(),
        })
    }

    /// Opens the clear bytes `range` of a blob of `bytes` clear bytes (both from its fact). The
    /// range is cut to the blob.
    pub async fn read(
        &self,
        name: &str,
        key: &[u8; 32],
        bytes: u64,
        range: std::ops::Range<u64>,
    ) -> Result<BlobReader, BlobFault> {
        let mut file = File::open(self.path(name)?).await.map_err(missing)?;
        let mut magic = [0; MAGIC.len()];
        let read = file.read_exact(&mut magic).await;
        if read.is_err() || magic != MAGIC || file.metadata().await?.len() != sealed_len(bytes) {
            return Err(BlobFault::Damaged);
        }
        let (start, end) = (range.start.min(bytes), range.end.min(bytes));
        let chunk = CHUNK_BYTES as u64;
        // The one chunk of an empty blob is read too: that it opens proves that it is empty.
        let index = (start / chunk).min(last_index(bytes));
        let sealed = chunk + TAG_BYTES as u64;
        let offset = MAGIC.len() as u64 + index * sealed;
        file.seek(SeekFrom::Start(offset)).await?;
        Ok(BlobReader {
            file,
            chunk_key: ChunkKey::new(key),
            index,
            bytes,
            start,
            end: end.max(start),
            done: false,
        })
    }

    /// Removes a blob; nothing happens if it is gone already.
    pub async fn remove(&self, name: &str) -> Result<(), BlobFault> {
        let path = self.path(name)?;
        match fs::remove_file(&path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        }
        sync_dir(path.parent().unwrap_or(&self.dir)).await
    }

    /// Names of the blobs of which the first byte is `first`. Blocks on the disk.
    pub fn names(&self, first: u8) -> Result<Vec<String>, BlobFault> {
        let prefix = hex::encode([first]);
        let listed = match std::fs::read_dir(self.dir.join(prefix)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in listed {
            let name = entry?.file_name().into_string().unwrap_or_default();
            // What is not ours is left alone.
            if self.path(&name).is_ok() {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Names come from facts; anything but our own form would leave the directory.
    fn path(&self, name: &str) -> Result<PathBuf, BlobFault> {
        let ours = name.len() == 2 * NAME_BYTES && name.bytes().all(|b| b.is_ascii_hexdigit());
        if !ours {
            return Err(BlobFault::Missing);
        }
        Ok(self.dir.join(&name[..2]).join(name))
    }
}

/// A blob being written. Dropped unfinished, it leaves nothing.
pub struct BlobWriter {
    store: BlobStore,
    unfinished: Unfinished,
    file: File,
    name: String,
    key: [u8; 32],
    chunk_key: ChunkKey,
    chunk: Vec<u8>,
    index: u64,
    bytes: u64,
    bytes_max: u64,
    sha256: Sha256,
}

impl BlobWriter {
    /// Adds clear bytes.
    pub async fn write(&mut self, mut clear: &[u8]) -> Result<(), BlobFault> {
        self.bytes += clear.len() as u64;
        if self.bytes > self.bytes_max {
            return Err(BlobFault::TooLarge);
        }
        self.sha256.update(clear);
        while !clear.is_empty() {
            // A full chunk is sealed only when more follows: the last one is sealed as the last.
            if self.chunk.len() == CHUNK_BYTES {
                self.seal_chunk(false).await?;
            }
            let taken = clear.len().min(CHUNK_BYTES - self.chunk.len());
            self.chunk.extend_from_slice(&clear[..taken]);
            clear = &clear[taken..];
        }
        Ok(())
    }

    /// Makes the blob durable under its name.
    ///
    /// A crash before the rename leaves a file in `new/`, which the next start removes; after it,
    /// a whole blob that no fact names yet and whose key is nowhere.
    pub async fn finish(mut self) -> Result<StoredBlob, BlobFault> {
        self.seal_chunk(true).await?;
        self.file.flush().await?;
        self.file.sync_all().await?;
        let target = self.store.path(&self.name)?;
        let parent = target.parent().unwrap_or(&self.store.dir);
        if !fs::try_exists(parent).await? {
            fs::create_dir_all(parent).await?;
            sync_dir(&self.store.dir).await?;
        }
        if let Some(path) = &self.unfinished.0 {
            fs::rename(path, &target).await?;
        }
        self.unfinished.0 = None;
        sync_dir(parent).await?;
        Ok(StoredBlob {
            name: self.name,
            key: self.key,
            bytes: self.bytes,
            sha256: self.sha256.finalize().into(),
        })
    }

    async fn seal_chunk(&mut self, last: bool) -> Result<(), BlobFault> {
        self.chunk_key.seal(self.index, last, &mut self.chunk);
        self.file.write_all(&self.chunk).await?;
        self.chunk.clear();
        self.index += 1;
        Ok(())
    }
}

struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            // The next start removes it.
            tracing::warn!(%error, "an unfinished blob could not be removed");
        }
    }
}

/// Clear bytes of a blob, chunk by chunk.
pub struct BlobReader {
    file: File,
    chunk_key: ChunkKey,
    index: u64,
    bytes: u64,
    start: u64,
    end: u64,
    done: bool,
}

impl BlobReader {
    /// The next clear bytes; `None` at the end. Each piece is checked before it is given.
    pub async fn next(&mut self) -> Result<Option<bytes::Bytes>, BlobFault> {
        if self.done {
            return Ok(None);
        }
        let chunk_start = self.index * CHUNK_BYTES as u64;
        let is_last = self.index == last_index(self.bytes);
        let clear_len = (self.bytes - chunk_start).min(CHUNK_BYTES as u64);
        let clear_len = usize::try_from(clear_len).map_err(|_| BlobFault::Damaged)?;
        let mut chunk = vec![0; clear_len + TAG_BYTES];
        self.file.read_exact(&mut chunk).await.map_err(|_| BlobFault::Damaged)?;
        self.chunk_key.open(self.index, is_last, &mut chunk).map_err(|_| BlobFault::Damaged)?;
        let within = |at: u64| {
            let at = at.saturating_sub(chunk_start);
            usize::try_from(at).unwrap_or(usize::MAX).min(clear_len)
        };
        let (from, to) = (within(self.start), within(self.end));
        self.index += 1;
        self.done = is_last || self.index * CHUNK_BYTES as u64 >= self.end;
        if from == to {
            return Ok(None);
        }
        Ok(Some(bytes::Bytes::from(chunk).slice(from..to)))
    }
}

fn last_index(bytes: u64) -> u64 {
    bytes.saturating_sub(1) / CHUNK_BYTES as u64
}

fn sealed_len(bytes: u64) -> u64 {
    MAGIC.len() as u64 + bytes + (last_index(bytes) + 1) * TAG_BYTES as u64
}

fn missing(error: io::Error) -> BlobFault {
    match error.kind() {
        io::ErrorKind::NotFound => BlobFault::Missing,
        _ => BlobFault::Io(error),
    }
}

async fn sync_dir(dir: &Path) -> Result<(), BlobFault> {
    File::open(dir).await?.sync_all().await?;
    Ok(())
}
