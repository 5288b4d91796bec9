//! Walking the timeline order of a room, in both directions.
//!
//! Owns the paging that `/messages` and `/context` share: which events of a stretch the caller may
//! read, the token from which to go on, and the first gap on the way that is worth asking other
//! servers for. Bounded: one walk looks at [`SCAN_MAX`] events.

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
    ports::HistoryGap,
    room::gaps::AskedGaps,
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
    pub(crate) viewer: &'a Viewer<'a>,
    pub(crate) filter: &'a RoomEventFilter,
    /// Gaps to step over in silence.
    pub(crate) asked: &'a AskedGaps,
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
    /// The first gap that was stepped over, next to an event that the caller may read.
    pub(crate) gap: Option<HistoryGap>,
}

impl Walk<'_> {
    /// The next events that the caller may read and the filter takes.
    pub(crate) fn page(&self, stretch: Stretch) -> Result<Page, StoreError> {
        let direction = stretch.direction;
        let mut page = Page::default();
        let mut next = stretch.from.map(|token| token.first(direction));
        if let (Some(from), Direction::Backward) = (stretch.from, direction) {
            // The page before this one ended at the gap.
            self.step_over(self.snapshot.gap_before(self.room, from.0)?, &mut page)?;
        }
        let mut scanned = 0;
        let mut at_gap = false;
        loop {
            let items = self.snapshot.page(self.room, next, direction, CHUNK)?;
            if items.is_empty() {
                // Behind a gap at the very end there is more, which may come some time.
                page.more = at_gap && !page.events.is_empty();
                return Ok(page);
            }
            for item in items {
                if past(stretch.to, &item, direction) {
                    return Ok(page);
                }
                if page.events.len() >= stretch.limit || scanned >= SCAN_MAX {
                    page.more = true;
                    return Ok(page);
                }
                at_gap = matches!(item, PageItem::Gap { .. });
                match item {
                    PageItem::Event { place, event } => {
                        scanned += 1;
                        page.events.extend(self.readable(event)?);
                        page.reached = Some(point(place, direction));
                        next = Some(Snapshot::beyond(place, direction));
                    }
                    gap @ PageItem::Gap { .. } => self.step_over(Some(gap), &mut page)?,
                }
            }
        }
    }

    /// Notes a gap if it is the first one that nobody was asked for. Those who may not read the
    /// event next to it send nobody searching.
    fn step_over(&self, gap: Option<PageItem>, page: &mut Page) -> Result<(), StoreError> {
        let Some(PageItem::Gap { place, missing }) = gap else { return Ok(()) };
        if page.gap.is_some() || self.asked.contains(&place) {
            return Ok(());
        }
        let next_to_it = self.snapshot.page(self.room, Some(place), Direction::Backward, 1)?;
        if let Some(PageItem::Event { place: found, event }) = next_to_it.first()
            && *found == place
            && let Some(event) = self.snapshot.event_at(*event)?
            && may_read(self.snapshot, &event, self.viewer)?
        {
            let room_id = self.room_id.to_owned();
            page.gap = Some(HistoryGap { room: self.room, room_id, place, missing });
        }
        Ok(())
    }

    fn readable(&self, position: LogPosition) -> Result<Option<EventInfo>, StoreError> {
        let Some(event) = self.snapshot.event_at(position)? else { return Ok(None) };
        let facts = EventFacts {
            event_type: event.str("type").unwrap_or_default(),
            sender: event.str("sender"),
            content: event.content(),
        };
        let taken = passes(self.filter, self.room_id, facts)
            && may_read(self.snapshot, &event, self.viewer)?;
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

/// The point behind an event in a direction.
fn point(place: TimelinePlace, direction: Direction) -> PageToken {
    match direction {
        Direction::Backward => PageToken(place),
        Direction::Forward => PageToken::after(place),
    }
}

/// True for what lies beyond the point to end at. A gap lies before the event at its place.
fn past(to: Option<PageToken>, item: &PageItem, direction: Direction) -> bool {
    to.is_some_and(|to| match (direction, item) {
        (Direction::Backward, PageItem::Event { place, .. }) => *place < to.0,
        (Direction::Backward, PageItem::Gap { place, .. }) => *place <= to.0,
        (Direction::Forward, PageItem::Event { place, .. } | PageItem::Gap { place, .. }) => {
            *place >= to.0
        }
    })
}

/// ruma's direction as ours.
pub(crate) fn direction(of: ruma::api::Direction) -> Direction {
    match of {
        ruma::api::Direction::Backward => Direction::Backward,
        ruma::api::Direction::Forward => Direction::Forward,
    }
}
