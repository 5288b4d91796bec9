//! How long a state event was in force, which is what policies ask of it.

use facts::{LogPosition, StreamId};

use super::Snapshot;
use crate::{
    client_view::table::Table,
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// Changes of one place that are looked at.
pub const CHANGES_WALKED_MAX: usize = 1_000;

/// What became of a state event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateUse {
    /// It holds its place, or too many changes lie in between to say.
    InForce,
    /// The entry at this position replaced it, for the last time.
    Ended(LogPosition),
    /// It never held its place: rejected, soft-failed, not placed, or lost a resolution.
    Never,
}

impl Snapshot {
    /// What became of the state event at `event`, whose place in the room is named by type and key.
    pub fn state_use(
        &self,
        room: StreamId,
        event_type: &str,
        state_key: &str,
        event: LogPosition,
    ) -> Result<StateUse, StoreError> {
        if self.state_event(room, event_type, state_key)? == Some(event) {
            return Ok(StateUse::InForce);
        }
        let prefix = Key::new(Table::StateHistory).u64(room.0).str(event_type).str(state_key);
        let from = prefix.clone().u64(event.0);
        let rows = self.rows.iterate(from.as_bytes(), &prefix.after_prefix(), Order::Forward);
        let (mut holds, mut ended, mut walked) = (false, None, 0);
        for row in rows.take(CHANGES_WALKED_MAX) {
            let (key, value) = row?;
            walked += 1;
            let held_by = value.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
            if held_by == Some(event.0) {
                holds = true;
            } else if holds {
                ended = Some(LogPosition(KeyReader::after(&key, &prefix).u64()?));
                holds = false;
            }
        }
        Ok(match ended {
            Some(at) => StateUse::Ended(at),
            // In doubt it is in use, and kept.
            None if walked == CHANGES_WALKED_MAX => StateUse::InForce,
            None => StateUse::Never,
        })
    }
}
