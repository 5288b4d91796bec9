//! How far the fold store is, and of which log.
//!
//! Owns the checkpoint's shape and the format number of the store: another number, another log or
//! another digest means that the store is thrown away and rebuilt.

use facts::{Incarnation, LogId, LogPosition};
use serde::{Deserialize, Serialize};

use crate::journal::{Journal, JournalFault};

/// Raised whenever a row of the store or a fold changes its shape or meaning.
pub(crate) const FOLDS_FORMAT: u32 = 3;

/// Everything up to and including `position` is in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FoldCheckpoint {
    format: u32,
    log_id: LogId,
    incarnation: Incarnation,
    pub(crate) position: LogPosition,
    digest: [u8; 32],
}

impl FoldCheckpoint {
    /// The checkpoint at a durable position. `None` if the log does not have it.
    pub(crate) fn at(
        journal: &dyn Journal,
        position: LogPosition,
    ) -> Result<Option<Self>, JournalFault> {
        let identity = journal.identity();
        Ok(journal.digest(position)?.map(|digest| Self {
            format: FOLDS_FORMAT,
            log_id: identity.log_id,
            incarnation: identity.incarnation,
            position,
            digest,
        }))
    }

    /// Whether it is a checkpoint of this log, as it stands now.
    pub(crate) fn matches(&self, journal: &dyn Journal) -> Result<bool, JournalFault> {
        Ok(Self::at(journal, self.position)?.as_ref() == Some(self))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        ciborium::into_writer(self, &mut bytes).expect("writing CBOR to memory cannot fail");
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        ciborium::from_reader(bytes).ok()
    }
}
