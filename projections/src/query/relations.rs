//! Events that relate to an event.

use facts::{LogPosition, StreamId, fact::TimelinePlace};

use super::{Direction, PageItem, Snapshot, timeline::position_of};
use crate::{
    client_view::table::Table,
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// Kinds of relations of one event, by relation type and event type, that are looked at.
const KINDS_MAX: usize = 1_000;

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
    /// One page of the relations of `parent` in timeline order (as in [`Self::page`]); redacted
    /// ones have no relation any more and are left out. Costs a page of each kind of relation.
    pub fn relations(
        &self,
        room: StreamId,
        parent: &str,
        filter: RelationFilter<'_>,
        page: RelationPage,
    ) -> Result<Vec<PageItem>, StoreError> {
        let parents = Key::new(Table::Relation).u64(room.0).str(parent);
        let mut found = Vec::new();
        for kind in self.kinds(&parents, filter)? {
            self.add_kind(&kind, page, &mut found)?;
        }
        found.sort_unstable();
        if page.direction == Direction::Backward {
            found.reverse();
        }
        found.truncate(page.max);
        Ok(found.into_iter().map(|(place, event)| PageItem::Event { place, event }).collect())
    }

    /// Prefixes of the rows of each kind that a filter takes.
    fn kinds(&self, parents: &Key, filter: RelationFilter<'_>) -> Result<Vec<Key>, StoreError> {
        let prefix = match (filter.rel_type, filter.event_type) {
            (Some(rel_type), Some(event_type)) => {
                return Ok(vec![parents.clone().str(rel_type).str(event_type)]);
            }
            (Some(rel_type), None) => parents.clone().str(rel_type),
            (None, _) => parents.clone(),
        };
        let end = prefix.after_prefix();
        let mut from = prefix.as_bytes().to_vec();
        let mut kinds = Vec::new();
        while kinds.len() < KINDS_MAX {
            let Some(row) = self.rows.iterate(&from, &end, Order::Forward).next() else { break };
            let (key, _) = row?;
            let mut reader = KeyReader::after(&key, parents);
            let kind = parents.clone().str(&reader.str()?).str(&reader.str()?);
            from = kind.after_prefix();
            kinds.push(kind);
        }
        Ok(kinds)
    }

    fn add_kind(
        &self,
        kind: &Key,
        page: RelationPage,
        found: &mut Vec<(TimelinePlace, LogPosition)>,
    ) -> Result<(), StoreError> {
        let at = |place: TimelinePlace| kind.clone().i64(place.0).i64(place.1);
        let (begin, end, order) = match (page.direction, page.from) {
            (Direction::Forward, Some(from)) => (at(from), kind.after_prefix(), Order::Forward),
            (Direction::Forward, None) => (kind.clone(), kind.after_prefix(), Order::Forward),
            (Direction::Backward, Some(from)) => {
                (kind.clone(), at(from).after_prefix(), Order::Backward)
            }
            (Direction::Backward, None) => (kind.clone(), kind.after_prefix(), Order::Backward),
        };
        for row in self.rows.iterate(begin.as_bytes(), &end, order).take(page.max) {
            let (key, value) = row?;
            let mut reader = KeyReader::after(&key, kind);
            let place = TimelinePlace(reader.i64()?, reader.i64()?);
            found.push((place, position_of(Table::Relation, &value)?));
        }
        Ok(())
    }
}
