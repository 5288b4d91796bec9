//! Events that relate to an event.

use facts::{LogPosition, StreamId, fact::TimelinePlace};

use super::{Direction, PageItem, Snapshot, timeline::position_of};
use crate::{
    client_view::table::Table,
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// Relations that are looked at for one answer.
const RELATIONS_MAX: usize = 20_000;

/// Which relations.
#[derive(Clone, Copy, Debug, Default)]
pub struct RelationFilter<'a> {
    /// `rel_type`.
    pub rel_type: Option<&'a str>,
    /// Event type; only with `rel_type`.
    pub event_type: Option<&'a str>,
}

/// Where a page begins and which way it goes.
#[derive(Clone, Copy, Debug)]
pub struct RelationPage {
    /// The first place; `None` for the end that the direction begins at.
    pub from: Option<TimelinePlace>,
    /// Direction.
    pub direction: Direction,
    /// Relations, at most.
    pub max: usize,
}

impl Snapshot {
    /// One page of the relations of `parent` in timeline order (as in [`Self::page`]); redacted ones have no relation any more and are left out.
    pub fn relations(
        &self,
        room: StreamId,
        parent: &str,
        filter: RelationFilter<'_>,
        page: RelationPage,
    ) -> Result<Vec<PageItem>, StoreError> {
        let mut found = self.relations_unordered(room, parent, filter)?;
        found.sort_unstable();
        if page.direction == Direction::Backward {
            found.reverse();
        }
        Ok(found
            .into_iter()
            .filter(|(place, _)| match (page.from, page.direction) {
                (None, _) => true,
                (Some(from), Direction::Backward) => *place <= from,
                (Some(from), Direction::Forward) => *place >= from,
            })
            .take(page.max)
            .map(|(place, event)| PageItem::Event { place, event })
            .collect())
    }

    /// The newest relation of `parent` by a filter that `accept` takes (the sender's last edit).
    pub fn last_relation(
        &self,
        room: StreamId,
        parent: &str,
        rel_type: &str,
        mut accept: impl FnMut(LogPosition) -> Result<bool, StoreError>,
    ) -> Result<Option<LogPosition>, StoreError> {
        let filter = RelationFilter { rel_type: Some(rel_type), event_type: None };
        let mut found = self.relations_unordered(room, parent, filter)?;
        found.sort_unstable();
        for (_, event) in found.into_iter().rev() {
            if accept(event)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn relations_unordered(
        &self,
        room: StreamId,
        parent: &str,
        filter: RelationFilter<'_>,
    ) -> Result<Vec<(TimelinePlace, LogPosition)>, StoreError> {
        let parents = Key::new(Table::Relation).u64(room.0).str(parent);
        let mut prefix = parents.clone();
        if let Some(rel_type) = filter.rel_type {
            prefix = prefix.str(rel_type);
            if let Some(event_type) = filter.event_type {
                prefix = prefix.str(event_type);
            }
        }
        let mut found = Vec::new();
        for row in self.rows.prefix(&prefix, Order::Forward).take(RELATIONS_MAX) {
            let (key, value) = row?;
            let mut reader = KeyReader::after(&key, &parents);
            reader.str()?;
            reader.str()?;
            let place = TimelinePlace(reader.i64()?, reader.i64()?);
            found.push((place, position_of(Table::Relation, &value)?));
        }
        Ok(found)
    }
}
