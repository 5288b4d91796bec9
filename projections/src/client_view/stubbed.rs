//! Up to where messages of a room got stubs.
//!
//! Owns one number for each room. Rows that count (what notifies, replies of threads) were written
//! while the messages could be read, or were not written where the view was built later: up to this
//! number nobody is told of counts, so that both answer alike. The number follows from the log
//! alone (I5).

use facts::{LogPosition, StreamId, fact::MessagesStubbed};

use super::{applying::Applying, lookup::event_row, table::Table};
use crate::store::{Key, Rows, StoreError};

fn key(room: StreamId) -> Key {
    Key::new(Table::Stubbed).u64(room.0)
}

/// The latest placement of a message with a stub; 0 where there is none.
pub(crate) fn stubbed_upto(rows: &impl Rows, room: StreamId) -> Result<LogPosition, StoreError> {
    Ok(LogPosition(rows.get_u64(&key(room))?.unwrap_or(0)))
}

/// Messages of a room got stubs.
pub(super) fn messages(a: &mut Applying<'_>, stubbed: &MessagesStubbed) -> Result<(), StoreError> {
    let room = a.stream();
    let before = stubbed_upto(a.batch, room)?;
    let mut upto = before;
    for stub in &stubbed.stubs {
        if let Some(row) = event_row(a.batch, stub.pdu)? {
            upto = upto.max(row.placed);
        }
    }
    if upto > before {
        a.batch.put_u64(key(room), upto.0);
    }
    Ok(())
}
