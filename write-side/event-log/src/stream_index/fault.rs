//! What can be wrong with the index.

use std::io;

/// The index could not be read or written. It can be deleted and rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum IndexFault {
    /// The store misbehaves.
    #[error("the index of streams could not be used")]
    Store(#[from] fjall::Error),
    /// Its directory could not be cleared.
    #[error("the index of streams could not be cleared")]
    Clear(#[from] io::Error),
    /// A row does not have its layout.
    #[error("a row of the index of streams is malformed; delete the index and start again")]
    Row,
}
