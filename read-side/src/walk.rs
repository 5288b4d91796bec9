//! Walking the timeline order of a room, in both directions.
//!
//! Owns the paging that `/messages` and `/context` share: which events of a stretch the caller may
//! read, and the token from which to go on. Bounded: one walk looks at [`SCAN_MAX`] events.

use facts::{LogPosition, StreamId, fact::TimelinePlace};
use projections::{
    Snapshot,
    query::{Direction, EventInfo, PageItem, StoreError},
};
use ruma::api::client::filter::{LazyLoadOptions, RoomEventFilter};
use serde_json::Value;

use crate::{
    client_event::EventWriter,
    page_token::PageToken,
    sync::filter::{EventFacts, passes},
    visibility::{Viewer, may_read},
};

/// Events looked at for one answer; a filter that lets hardly anything through ends here with a
/// token to go on from.
const SCAN_MAX: usize = 2_000;
/// Rows read at once.
const CHUNK: usize = 100;

/// What to walk through and who walks.
pub(crate) struct Walk<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) room: StreamId,
    pub(crate) room_id: &'a str,
    pub(crate) viewer: Viewer<'a>,
    pub(crate) filter: &'a RoomEventFilter,
}

/// Where to walk.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    /// The point to begin at; `None` for the end of the timeline that lies against the direction.
    pub(crate) from: Option<PageToken>,
    /// The point to end at.
    pub(crate) to: Option<PageToken>,
    pub(crate) direction: Direction,
    pub(crate) limit: usize,
}

/// A page.
#[derive(Default)]
pub(crate) struct Page {
    /// In the direction of the walk.
    pub(crate) events: Vec<EventInfo>,
    /// The point that the walk reached; `None` where nothing was looked at.
    pub(crate) reached: Option<PageToken>,
    /// True if there may be more to read in this direction.
    pub(crate) more: bool,
}

impl Walk<'_> {
    /// The next events that the caller may read and the filter takes.
    pub(crate) fn page(&self, stretch: Stretch) -> Result<Page, StoreError> {
        let direction = stretch.direction;
        let mut page = Page::default();
        let mut next = stretch.from.map(|token| token.first(direction));
        let mut scanned = 0;
        loop {
            let items = self.snapshot.page(self.room, next, direction, CHUNK)?;
            let events: Vec<_> = items.iter().filter_map(as_event).collect();
            if events.is_empty() {
                return Ok(page);
            }
            for (place, position) in events {
                if past(stretch.to, place, direction) {
                    return Ok(page);
                }
                if page.events.len() >= stretch.limit || scanned >= SCAN_MAX {
                    page.more = true;
                    return Ok(page);
                }
                scanned += 1;
                page.events.extend(self.readable(position)?);
                page.reached = Some(point(place, direction));
                next = Some(Snapshot::beyond(place, direction));
            }
        }
    }

    fn readable(&self, position: LogPosition) -> Result<Option<EventInfo>, StoreError> {
        let Some(event) = self.snapshot.event_at(position)? else { return Ok(None) };
        let facts = EventFacts {
            event_type: event.str("type").unwrap_or_default(),
            sender: event.str("sender"),
            content: event.content(),
        };
        let taken = passes(self.filter, self.room_id, facts)
            && may_read(self.snapshot, &event, &self.viewer)?;
        Ok(taken.then_some(event))
    }

    /// Member events of the senders of `events`, as of the first event of each, where the filter
    /// loads members lazily.
    pub(crate) fn lazy_members(
        &self,
        events: &[EventInfo],
        writer: &EventWriter<'_>,
    ) -> Result<Vec<Value>, StoreError> {
        if !self.is_lazy() {
            return Ok(Vec::new());
        }
        let mut told: Vec<&str> = Vec::new();
        let mut members = Vec::new();
        for event in events {
            let Some(sender) = event.str("sender") else { continue };
            if told.contains(&sender) {
                continue;
            }
            told.push(sender);
            let member =
                self.snapshot.state_event_after(event.position, "m.room.member", sender)?;
            if let Some(member) = member {
                members.extend(writer.at(member)?);
            }
        }
        Ok(members)
    }

    pub(crate) fn is_lazy(&self) -> bool {
        matches!(self.filter.lazy_load_options, LazyLoadOptions::Enabled { .. })
    }
}

fn as_event(item: &PageItem) -> Option<(TimelinePlace, LogPosition)> {
    match item {
        PageItem::Event { place, event } => Some((*place, *event)),
        // Filling gaps takes the network; what is here is served.
        PageItem::Gap { .. } => None,
    }
}

/// The point behind an event in a direction.
fn point(place: TimelinePlace, direction: Direction) -> PageToken {
    match direction {
        Direction::Backward => PageToken(place),
        Direction::Forward => PageToken::after(place),
    }
}

fn past(to: Option<PageToken>, place: TimelinePlace, direction: Direction) -> bool {
    to.is_some_and(|to| match direction {
        Direction::Backward => place < to.0,
        Direction::Forward => place >= to.0,
    })
}

/// ruma's direction as ours.
pub(crate) fn direction(of: ruma::api::Direction) -> Direction {
    match of {
        ruma::api::Direction::Backward => Direction::Backward,
        ruma::api::Direction::Forward => Direction::Forward,
    }
}
