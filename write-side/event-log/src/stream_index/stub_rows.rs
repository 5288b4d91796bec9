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

/// A look that may have to go on to the disk, where nobody waits for the index meanwhile: appending
/// needs it. A row is in the store before it leaves memory, so none is missed between the two.
pub(crate) enum StubLook {
    /// It was in memory.
    Noted(LogPosition),
    /// If there is one, it is among these rows.
    InRows(Keyspace, LogPosition),
}

impl StubLook {
    /// The entry that holds the stub. Blocks on the disk.
    pub(crate) fn holder(self) -> Result<Option<LogPosition>, IndexFault> {
        let (rows, pdu) = match self {
            Self::Noted(at) => return Ok(Some(at)),
            Self::InRows(rows, pdu) => (rows, pdu),
        };
        let Some(row) = rows.get(stub_key(pdu))? else { return Ok(None) };
        let at = Fields::new(&row).u64().ok_or(IndexFault::Row)?;
        Ok(Some(LogPosition(at)))
    }
}

/// The rows that are not flushed yet.
#[derive(Debug, Default)]
pub(super) struct StubRows(HashMap<LogPosition, LogPosition>);

impl StubRows {
    /// The stubs in the entry at a position.
    pub(super) fn note(&mut self, at: LogPosition, stubbed: &MessagesStubbed) {
        self.0.extend(stubbed.stubs.iter().map(|stub| (stub.pdu, at)));
    }

    /// Looks for the entry that holds the stub of the message at a position.
    pub(super) fn look(&self, rows: &Keyspace, pdu: LogPosition) -> StubLook {
        match self.0.get(&pdu) {
            Some(at) => StubLook::Noted(*at),
            None => StubLook::InRows(rows.clone(), pdu),
        }
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
