//! Progress of a view, stored with its rows.

use facts::{Incarnation, LogId, LogPosition};
use serde::{Deserialize, Serialize};

use crate::{
    source::{EntrySource, SourceEntry, SourceError},
    store::{Batch, Key, Rows, StoreError},
};

/// The table byte of the checkpoint row; views use others.
const TABLE: u8 = 0;

/// Everything up to and including `position` is in the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Identity of the log.
    pub log_id: LogId,
    /// Incarnation of the entry at `position`.
    pub incarnation: Incarnation,
    /// The last applied entry.
    pub position: LogPosition,
    /// Its digest.
    #[serde(with = "serde_bytes")]
    pub digest: [u8; 32],
    /// Schema of the rows.
    pub schema: u32,
}

impl Checkpoint {
    pub(super) fn of(log_id: LogId, entry: &SourceEntry, schema: u32) -> Self {
        Self {
            log_id,
            incarnation: entry.header.incarnation,
            position: entry.header.position,
            digest: entry.digest,
            schema,
        }
    }

    /// Reads the checkpoint of a view; `None` for an empty one.
    pub(crate) fn read(rows: &impl Rows) -> Result<Option<Self>, StoreError> {
        rows.get_row(&Key::new(TABLE))
    }

    pub(super) fn write(&self, batch: &mut Batch) {
        batch.put_row(Key::new(TABLE), self);
    }

    /// Whether the log holds exactly the entry that this checkpoint names.
    pub(super) fn matches(&self, source: &dyn EntrySource) -> Result<bool, SourceError> {
        if self.log_id != source.log_id() || source.head() < self.position {
            return Ok(false);
        }
        Ok(source.read(self.position)?.is_some_and(|entry| {
            entry.digest == self.digest && entry.header.incarnation == self.incarnation
        }))
    }
}
