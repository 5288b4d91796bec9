//! Pages of events that relate to an event.
//!
//! Owns the three relation endpoints' common work: the walk through indirect relations, at most
//! [`DEPTH_MAX`] deep, the filter, and the tokens, which are those of the timeline.

use std::collections::{BTreeSet, HashSet};

use facts::{LogPosition, StreamId, fact::TimelinePlace};
use projections::{
    Snapshot,
    query::{Direction, EventInfo, PageItem, RelationFilter, RelationPage, StoreError},
};
use ruma::UInt;
use serde_json::{Map, Value};

use super::given;
use crate::{
    caller::Caller, client_event::EventWriter, fault::ReadFault, limit::Limit,
    page_token::PageToken, room_access::readable_event, visibility::may_read, walk::direction,
};

/// Steps from an event to those that relate to it indirectly.
const DEPTH_MAX: usize = 3;
/// Relations looked at for one answer.
const RELATIONS_MAX: usize = 5_000;
const PAGE: Limit = Limit { default: 5, max: 500 };

/// What a client asks for.
pub(super) struct Asked {
    pub(super) room_id: String,
    pub(super) event_id: String,
    pub(super) rel_type: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) dir: ruma::api::Direction,
    pub(super) limit: Option<UInt>,
    pub(super) recurse: bool,
}

/// A stretch of the timeline.
#[derive(Clone, Copy)]
struct Between {
    from: Option<PageToken>,
    to: Option<PageToken>,
    direction: Direction,
}

/// The answer: `chunk`, tokens, and how deep a recursion went.
pub(super) fn relation_page(
    snapshot: &Snapshot,
    asked: &Asked,
    caller: &Caller,
) -> Result<Value, ReadFault> {
    let room_id = asked.room_id.as_str();
    let viewer = caller.viewer(snapshot)?;
    let parent = readable_event(snapshot, room_id, &asked.event_id, &viewer)?;
    let room = parent.row.room;
    let point = |text: Option<&str>, parameter| -> Result<Option<PageToken>, ReadFault> {
        match given(text, parameter)? {
            Some(token) => Ok(Some(token.point(snapshot, room)?.unwrap_or(PageToken::OLDEST))),
            None => Ok(None),
        }
    };
    let between = Between {
        from: point(asked.from.as_deref(), "from")?,
        to: point(asked.to.as_deref(), "to")?,
        direction: direction(asked.dir),
    };
    let places = related(snapshot, room, asked, between)?;
    let writer = EventWriter::new(snapshot, room_id, caller.reader(&viewer));
    let mut answer = page(asked, &places, between.direction, &writer)?;
    if let Some(from) = &asked.from {
        answer.insert("prev_batch".to_owned(), Value::from(from.as_str()));
    }
    if asked.recurse {
        answer.insert("recursion_depth".to_owned(), Value::from(DEPTH_MAX));
    }
    Ok(Value::Object(answer))
}

fn page(
    asked: &Asked,
    places: &[(TimelinePlace, LogPosition)],
    direction: Direction,
    writer: &EventWriter<'_>,
) -> Result<Map<String, Value>, StoreError> {
    let snapshot = writer.snapshot;
    let limit = PAGE.of(asked.limit).max(1);
    let mut chunk = Vec::new();
    let mut looked_at = None;
    let mut more = places.len() == RELATIONS_MAX;
    for (place, position) in places {
        let Some(event) = snapshot.event_at(*position)? else { continue };
        if !asked.takes(&event) || !may_read(snapshot, &event, writer.reader.viewer)? {
            continue;
        }
        if chunk.len() == limit {
            more = true;
            break;
        }
        chunk.push(writer.event(&event)?);
        looked_at = Some(*place);
    }
    if chunk.len() < limit {
        // All of them were looked at; where that is the bound, there may be others.
        looked_at = places.last().map(|(place, _)| *place);
    }
    let mut answer = Map::new();
    if let (true, Some(last)) = (more, looked_at) {
        let next = match direction {
            Direction::Backward => PageToken(last),
            Direction::Forward => PageToken::after(last),
        };
        answer.insert("next_batch".to_owned(), Value::from(next.to_string()));
    }
    answer.insert("chunk".to_owned(), Value::Array(chunk));
    Ok(answer)
}

impl Between {
    fn holds(self, place: TimelinePlace) -> bool {
        let (newest, oldest) = match self.direction {
            Direction::Backward => (self.from, self.to),
            Direction::Forward => (self.to, self.from),
        };
        newest.is_none_or(|newest| place < newest.0)
            && oldest.is_none_or(|oldest| place >= oldest.0)
    }
}

/// Related events in the direction of the page, at most [`RELATIONS_MAX`].
fn related(
    snapshot: &Snapshot,
    room: StreamId,
    asked: &Asked,
    between: Between,
) -> Result<Vec<(TimelinePlace, LogPosition)>, StoreError> {
    let direction = between.direction;
    let mut places: Vec<_> = if asked.recurse {
        let found = through_others(snapshot, room, asked)?.into_iter();
        match direction {
            Direction::Backward => found.rev().collect(),
            Direction::Forward => found.collect(),
        }
    } else {
        let filter = RelationFilter {
            rel_type: asked.rel_type.as_deref(),
            event_type: asked.event_type.as_deref(),
        };
        let from = between.from.map(|token| token.first(direction));
        let page = RelationPage { from, direction, max: RELATIONS_MAX };
        let items = snapshot.relations(room, &asked.event_id, filter, page)?;
        items
            .into_iter()
            .filter_map(|item| match item {
                PageItem::Event { place, event } => Some((place, event)),
                PageItem::Gap { .. } => None,
            })
            .collect()
    };
    places.retain(|(place, _)| between.holds(*place));
    Ok(places)
}

/// The newest events that relate to an event, directly or through others, in timeline order.
fn through_others(
    snapshot: &Snapshot,
    room: StreamId,
    asked: &Asked,
) -> Result<BTreeSet<(TimelinePlace, LogPosition)>, StoreError> {
    let mut found = BTreeSet::new();
    let mut seen = HashSet::from([asked.event_id.clone()]);
    let mut parents = vec![asked.event_id.clone()];
    for step in 1..=DEPTH_MAX {
        let mut children = Vec::new();
        for parent in parents {
            let max = RELATIONS_MAX.saturating_sub(found.len());
            let newest_first = RelationPage { from: None, direction: Direction::Backward, max };
            // The way may lead through events of any kind, so the filter comes afterwards.
            let any = RelationFilter::default();
            for item in snapshot.relations(room, &parent, any, newest_first)? {
                let PageItem::Event { place, event } = item else { continue };
                found.insert((place, event));
                // What does not say any more that it relates leads nowhere.
                if step < DEPTH_MAX
                    && let Some(child) = snapshot.event_at(event)?
                    && child.is_related()
                    && seen.insert(child.body.event_id.clone())
                {
                    children.push(child.body.event_id.clone());
                }
            }
        }
        parents = children;
    }
    Ok(found)
}

impl Asked {
    fn takes(&self, event: &EventInfo) -> bool {
        let relates_to = event.content().and_then(|content| content.get("m.relates_to"));
        let rel_type = relates_to.and_then(|relation| relation.get("rel_type")?.as_str());
        event.is_related()
            && self.rel_type.as_deref().is_none_or(|wanted| rel_type == Some(wanted))
            && self.event_type.as_deref().is_none_or(|wanted| event.str("type") == Some(wanted))
    }
}
