//! What a log is opened with.

use std::path::PathBuf;

/// A segment is closed before it grows past this, by default.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Bounds of the segment size; offsets in a segment are 32 bits.
pub const SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Age at which a key epoch is followed by the next, by default; days.
pub const EPOCH_DAYS: u32 = 90;

/// Options of [`crate::Log::open`].
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The data directory; the log is in its folder `log`.
    pub data_dir: PathBuf,
    /// The directory of the keyring, better on another disk.
    pub keys_dir: PathBuf,
    /// The one server name of this log.
    pub server_name: String,
    /// A segment is closed before it grows past this many bytes.
    pub segment_bytes: u64,
    /// Days after which a new key epoch is opened.
    pub epoch_days: u32,
    /// Orders to destroy are kept off-site: none is reported carried out before
    /// [`crate::Log::orders_are_offsite`] has been told that it is there.
    pub orders_kept_offsite: bool,
}

impl LogOptions {
    /// Defaults, with the keyring beside the log.
    pub fn new(data_dir: impl Into<PathBuf>, server_name: impl Into<String>) -> Self {
        let data_dir = data_dir.into();
        Self {
            keys_dir: data_dir.join("keyring"),
            data_dir,
            server_name: server_name.into(),
            segment_bytes: SEGMENT_BYTES,
            epoch_days: EPOCH_DAYS,
            orders_kept_offsite: false,
        }
    }

    /// Where the segments are.
    pub fn segments_dir(&self) -> PathBuf {
        self.data_dir.join("log").join("segments")
    }

    /// Where the deletable index of streams is.
    pub fn index_dir(&self) -> PathBuf {
        self.data_dir.join("log").join("index")
    }
}
