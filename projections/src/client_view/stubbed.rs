//! Up to where messages of a room got stubs.
//!
//! Owns two numbers for each room, over all messages and over those that came live: old history
//! that is fetched today stands before what is unread. Rows that count (what notifies, replies of
//! threads) were written while the messages could be read, or were not written where the view was
//! built later: up to them nobody is told of counts, so that both answer alike. They follow from
//! the log alone (I5).

use facts::{LogPosition, StreamId, fact::MessagesStubbed};

use super::{applying::Applying, lookup::event_row, rows::EventKind, table::Table};
use crate::store::{Key, Rows, StoreError};

/// Which messages count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stubbed {
    /// All of them.
    Any,
    /// Those that were placed at the end of the room.
    Live,
}

fn key(room: StreamId, which: Stubbed) -> Key {
    Key::new(Table::Stubbed).u64(room.0).u64(u64::from(which == Stubbed::Live))
}

/// The latest placement of a message with a stub; 0 where there is none.
pub(crate) fn stubbed_upto(
    rows: &impl Rows,
    room: StreamId,
    which: Stubbed,
) -> Result<LogPosition, StoreError> {
    Ok(LogPosition(rows.get_u64(&key(room, which))?.unwrap_or(0)))
}

/// Messages of a room got stubs.
pub(super) fn messages(a: &mut Applying<'_>, stubbed: &MessagesStubbed) -> Result<(), StoreError> {
    let room = a.stream();
    let (mut any, mut live) = (LogPosition(0), LogPosition(0));
    for stub in &stubbed.stubs {
        if let Some(row) = event_row(a.batch, stub.pdu)? {
            any = any.max(row.placed);
            if row.kind == EventKind::Live {
                live = live.max(row.placed);
            }
        }
    }
    for (which, upto) in [(Stubbed::Any, any), (Stubbed::Live, live)] {
        if upto > stubbed_upto(a.batch, room, which)? {
            a.batch.put_u64(key(room, which), upto.0);
        }
    }
    Ok(())
}
