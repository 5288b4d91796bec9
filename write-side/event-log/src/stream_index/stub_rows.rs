//! Which entry holds the stub of a destroyed message, as rows.
//!
//! Owns `d ‖ position of the message → position of the MessagesStubbed`. A later stub of the same
//! message replaces an earlier one; both say the same.

use std::collections::HashMap;

use facts::{LogPosition, fact::MessagesStubbed};
use fjall::{Keyspace, OwnedWriteBatch};

use super::{IndexFault, row_keys::stub_key};
use crate::fields::Fields;

/// Rows that are not flushed yet, above which they are (I10). Appending waits for a flush, so it is
/// a short one.
pub(super) const UNFLUSHED_STUBS_MAX: usize = 1_000;

/// The rows that are not flushed yet.
#[derive(Debug, Default)]
pub(super) struct StubRows(HashMap<LogPosition, LogPosition>);

impl StubRows {
    /// The stubs in the entry at a position.
    pub(super) fn note(&mut self, at: LogPosition, stubbed: &MessagesStubbed) {
        self.0.extend(stubbed.stubs.iter().map(|stub| (stub.pdu, at)));
    }

    /// The entry that holds the stub of the message at a position.
    pub(super) fn holder(
        &self,
        rows: &Keyspace,
        pdu: LogPosition,
    ) -> Result<Option<LogPosition>, IndexFault> {
        if let Some(at) = self.0.get(&pdu) {
            return Ok(Some(*at));
        }
        let Some(row) = rows.get(stub_key(pdu))? else { return Ok(None) };
        let at = Fields::new(&row).u64().ok_or(IndexFault::Row)?;
        Ok(Some(LogPosition(at)))
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= UNFLUSHED_STUBS_MAX
    }

    /// Puts the rows into a batch; [`Self::flushed`] once that is committed.
    pub(super) fn put_into(&self, batch: &mut OwnedWriteBatch, rows: &Keyspace) {
        for (pdu, at) in &self.0 {
            batch.insert(rows, stub_key(*pdu), at.0.to_be_bytes().to_vec());
        }
    }

    pub(super) fn flushed(&mut self) {
        self.0.clear();
    }
}
