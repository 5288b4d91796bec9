//! Room state: now, as of a position, before an event, and what changed in between.

use std::collections::BTreeMap;

use facts::{LogPosition, StreamId};

use super::Snapshot;
use crate::{
    client_view::{
        lookup::{
            StateBase, event_row, state_event, state_event_as_of, state_event_before, walk_before,
        },
        recent::Change,
        rows::ChangeRow,
        table::Table,
    },
    store::{Key, KeyReader, Order, Rows, StoreError, decode},
};

/// A place in room state with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// Event type.
    pub event_type: String,
    /// State key.
    pub state_key: String,
    /// Position of the event.
    pub event: LogPosition,
}

/// The net change of one place between two positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDelta {
    /// Event type.
    pub event_type: String,
    /// State key.
    pub state_key: String,
    /// Position of the event at the beginning.
    pub old: Option<LogPosition>,
    /// Position of the event at the end.
    pub new: Option<LogPosition>,
}

impl Snapshot {
    /// The event that holds a place in the current state.
    pub fn state_event(
        &self,
        room: StreamId,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<LogPosition>, StoreError> {
        state_event(&self.rows, room, event_type, state_key)
    }

    /// The whole current state, in order of type and key.
    pub fn current_state(&self, room: StreamId) -> Result<Vec<StateEntry>, StoreError> {
        self.state_scan(&Key::new(Table::State).u64(room.0), None)
    }

    /// The current state of one type, in order of keys.
    pub fn current_state_of_type(
        &self,
        room: StreamId,
        event_type: &str,
    ) -> Result<Vec<StateEntry>, StoreError> {
        self.state_scan(&Key::new(Table::State).u64(room.0).str(event_type), Some(event_type))
    }

    fn state_scan(
        &self,
        prefix: &Key,
        event_type: Option<&str>,
    ) -> Result<Vec<StateEntry>, StoreError> {
        self.rows
            .prefix(prefix, Order::Forward)
            .map(|row| {
                let (key, value) = row?;
                let mut reader = KeyReader::after(&key, prefix);
                let event_type = match event_type {
                    Some(event_type) => event_type.to_owned(),
                    None => reader.str()?,
                };
                let event = value.first_chunk::<8>().ok_or(StoreError::Row(Table::State.into()))?;
                Ok(StateEntry {
                    event_type,
                    state_key: reader.str()?,
                    event: LogPosition(u64::from_be_bytes(*event)),
                })
            })
            .collect()
    }

    /// The event that held a place in the room's current state after the entry at `as_of`.
    pub fn state_event_as_of(
        &self,
        room: StreamId,
        event_type: &str,
        state_key: &str,
        as_of: LogPosition,
    ) -> Result<Option<LogPosition>, StoreError> {
        if as_of >= self.position() {
            return self.state_event(room, event_type, state_key);
        }
        state_event_as_of(&self.rows, room, event_type, state_key, as_of)
    }

    /// The whole state of the room after the entry at `as_of`. Costs the current state plus the
    /// changes since then.
    pub fn state_as_of(
        &self,
        room: StreamId,
        as_of: LogPosition,
    ) -> Result<Vec<StateEntry>, StoreError> {
        let mut state: BTreeMap<_, _> = self
            .current_state(room)?
            .into_iter()
            .map(|entry| ((entry.event_type, entry.state_key), entry.event))
            .collect();
        for change in self.state_delta(room, as_of, self.position())? {
            let place = (change.event_type, change.state_key);
            match change.old {
                Some(old) => state.insert(place, old),
                None => state.remove(&place),
            };
        }
        Ok(entries(state))
    }

    /// Net changes of current state with positions in (since, upto], in order of first change.
    pub fn state_delta(
        &self,
        room: StreamId,
        since: LogPosition,
        upto: LogPosition,
    ) -> Result<Vec<StateDelta>, StoreError> {
        if !self.may_have(Change::State(room), since) {
            return Ok(Vec::new());
        }
        let prefix = Key::new(Table::StateLog).u64(room.0);
        let from = prefix.clone().u64(since.0.saturating_add(1));
        let to = prefix.clone().u64(upto.0.saturating_add(1));
        let mut order: Vec<StateDelta> = Vec::new();
        let mut index: BTreeMap<(String, String), usize> = BTreeMap::new();
        for row in self.rows.iterate(from.as_bytes(), to.as_bytes(), Order::Forward) {
            let change: ChangeRow = decode(Table::StateLog.into(), &row?.1)?;
            let place = (change.event_type, change.state_key);
            if let Some(known) = index.get(&place).and_then(|at| order.get_mut(*at)) {
                known.new = change.new.map(LogPosition);
                continue;
            }
            index.insert(place.clone(), order.len());
            order.push(StateDelta {
                event_type: place.0,
                state_key: place.1,
                old: change.old.map(LogPosition),
                new: change.new.map(LogPosition),
            });
        }
        order.retain(|change| change.old != change.new);
        Ok(order)
    }

    /// The event that held a place in the state before an event; `None` also where that state is
    /// not known (outliers).
    pub fn state_event_before(
        &self,
        event: LogPosition,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<LogPosition>, StoreError> {
        state_event_before(&self.rows, event, event_type, state_key)
    }

    /// The event that held a place in the state after an event.
    pub fn state_event_after(
        &self,
        event: LogPosition,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<LogPosition>, StoreError> {
        if let Some(row) = event_row(&self.rows, event)?
            && row.accepted
            && row
                .state
                .is_some_and(|(of_type, of_key)| of_type == event_type && of_key == state_key)
        {
            return Ok(Some(event));
        }
        self.state_event_before(event, event_type, state_key)
    }

    /// The whole state before an event; `None` where it is not known.
    pub fn state_before(&self, event: LogPosition) -> Result<Option<Vec<StateEntry>>, StoreError> {
        let mut nearest: BTreeMap<(String, String), Option<LogPosition>> = BTreeMap::new();
        let base = walk_before(&self.rows, event, |event_type, state_key, holder| {
            nearest.entry((event_type.to_owned(), state_key.to_owned())).or_insert(holder);
            false
        })?;
        let mut state: BTreeMap<(String, String), LogPosition> = match base {
            Some(StateBase::AsOf(room, as_of)) => self
                .state_as_of(room, as_of)?
                .into_iter()
                .map(|entry| ((entry.event_type, entry.state_key), entry.event))
                .collect(),
            Some(StateBase::Empty) | None => BTreeMap::new(),
            Some(StateBase::Unknown) => return Ok(None),
        };
        for (place, holder) in nearest {
            match holder {
                Some(event) => state.insert(place, event),
                None => state.remove(&place),
            };
        }
        Ok(Some(entries(state)))
    }

    /// The whole state after an event; `None` where it is not known.
    pub fn state_after(&self, event: LogPosition) -> Result<Option<Vec<StateEntry>>, StoreError> {
        let Some(mut state) = self.state_before(event)? else {
            return Ok(None);
        };
        if let Some(row) = event_row(&self.rows, event)?
            && row.accepted
            && let Some((event_type, state_key)) = row.state
        {
            state
                .retain(|entry| (&entry.event_type, &entry.state_key) != (&event_type, &state_key));
            state.push(StateEntry { event_type, state_key, event });
        }
        Ok(Some(state))
    }

    /// The event that an accepted state event replaced (`prev_content`, `replaces_state`).
    pub fn replaces(&self, event: LogPosition) -> Result<Option<LogPosition>, StoreError> {
        match event_row(&self.rows, event)?.and_then(|row| row.state) {
            Some((event_type, state_key)) => {
                self.state_event_before(event, &event_type, &state_key)
            }
            None => Ok(None),
        }
    }
}

fn entries(state: BTreeMap<(String, String), LogPosition>) -> Vec<StateEntry> {
    state
        .into_iter()
        .map(|((event_type, state_key), event)| StateEntry { event_type, state_key, event })
        .collect()
}
