//! Messages that are destroyed, whole or in part, and those whose skeletons may be.
//!
//! Owns where the room's graph lets a skeleton go: what stands in the graph with a settled place,
//! and is followed by something. Never decides what is over.

use facts::{LogPosition, StreamId};

use super::{EventKind, Snapshot};
use crate::{
    client_view::{
        erasing::erased_upto,
        lookup::room_row,
        stubbed::{Stubbed, stubbed_upto},
    },
    store::StoreError,
};

impl Snapshot {
    /// Up to this placement position messages of the room, or their content, are destroyed or about
    /// to be, perhaps not all of them; 0 where none is. The content of a message that nothing
    /// followed when a run destroyed it may be gone beyond.
    pub fn destroyed_upto(&self, room: StreamId) -> Result<LogPosition, StoreError> {
        Ok(stubbed_upto(&self.rows, room, Stubbed::Any)?.max(erased_upto(&self.rows, room)?))
    }

    /// Up to here live messages of the room got stubs: nobody has unread ones up to here.
    pub(crate) fn live_stubbed_upto(&self, room: StreamId) -> Result<LogPosition, StoreError> {
        stubbed_upto(&self.rows, room, Stubbed::Live)
    }

    /// Whether a stub can stand in the graph for the message at a position: it is placed for good,
    /// and is no forward extremity, on which the next event is built.
    pub fn is_settled_message(&self, event: LogPosition) -> Result<bool, StoreError> {
        let Some(row) = self.event_row(event)? else { return Ok(false) };
        let placed = matches!(row.kind, EventKind::Live | EventKind::Historic);
        if !placed || row.state.is_some() {
            return Ok(false);
        }
        let room = room_row(&self.rows, row.room)?.unwrap_or_default();
        Ok(!room.extremities.contains(&event.0))
    }
}
