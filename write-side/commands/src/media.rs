//! Media: blobs on disk, and the commands that make media of them.
//!
//! Owns the order "blob durable, then fact": a crash between leaves a blob that no fact names,
//! which nobody can read: its key is gone. The sweep of `policies` removes it. Invariants: I3, I9, I10.

mod commands;
mod sealed_chunk;
mod store;

#[cfg(test)]
mod tests;

pub use self::{
    commands::{
        MEDIA_ID_BYTES, MediaError, MediaUpload, check_reserved, new_media_id, reserve_media,
        store_media,
    },
    store::{BlobFault, BlobReader, BlobStore, BlobWriter, StoredBlob},
};
