//! `[media]`: uploaded files.

use serde::{Deserialize, Serialize};

use super::section::section;

/// Where blobs lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MediaBackend {
    /// Sealed files under `<data_dir>/media/`.
    Filesystem,
    /// An S3-compatible object store.
    S3,
}

section! {
    /// Uploaded files.
    Media {
        /// "filesystem": sealed files under `<data_dir>/media`.
        backend: MediaBackend = MediaBackend::Filesystem;
        /// Longest upload, in bytes.
        upload_bytes: usize = 104_857_600;
    }
}
