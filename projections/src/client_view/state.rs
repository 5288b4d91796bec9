//! Current state, its log and its history.

use facts::{LogPosition, StreamId, fact::StateChange};

use super::{
    applying::Applying, lookup::state_event, membership, recent::Change, rows::ChangeRow,
    table::Table,
};
use crate::store::{Key, StoreError};

/// Applies the changes of one placement.
pub(super) fn apply_changes(
    a: &mut Applying<'_>,
    room: StreamId,
    changes: &[StateChange],
) -> Result<(), StoreError> {
    let position = a.position().0;
    a.changed(Change::State(room));
    for (ordinal, change) in changes.iter().enumerate() {
        let StateChange(event_type, state_key, _, new) = change;
        let new = new.map(|new| a.resolve(new));
        let old = state_event(a.batch, room, event_type, state_key)?;
        let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
        let current = Key::new(Table::State).u64(room.0).str(event_type).str(state_key);
        match new {
            Some(LogPosition(new)) => {
                let mut value = new.to_be_bytes().to_vec();
                value.extend_from_slice(&position.to_be_bytes());
                a.batch.put(current, value);
            }
            None => a.batch.remove(current),
        }
        a.batch.put_row(
            Key::new(Table::StateLog).u64(room.0).u64(position).u32(ordinal),
            &ChangeRow {
                event_type: event_type.clone(),
                state_key: state_key.clone(),
                old: old.map(|old| old.0),
                new: new.map(|new| new.0),
            },
        );
        a.batch.put_u64(
            Key::new(Table::StateHistory)
                .u64(room.0)
                .str(event_type)
                .str(state_key)
                .u64(position)
                .u32(ordinal),
            new.map_or(0, |new| new.0),
        );
        if event_type == "m.room.member" {
            membership::changed(a, room, state_key, new)?;
        }
    }
    Ok(())
}
