//! The timeline of a room in `/sync`: the newest live events that the user may see.
//!
//! Owns the limit and `limited`. Reads in chunks from the newest backwards until the limit is
//! reached, at most [`SCAN_MAX`] events.

use facts::{LogPosition, StreamId};
use projections::query::{EventInfo, StoreError};

use super::{answer::Look, filter::EventFacts};
use crate::{page_token::PageToken, visibility::may_read};

/// Events looked at for one room's timeline; a filter that lets hardly anything through ends here
/// with `limited`.
const SCAN_MAX: usize = 1_000;

/// A room's timeline.
pub(crate) struct Timeline {
    /// Oldest first, with the position of each placement.
    pub(crate) events: Vec<(LogPosition, EventInfo)>,
    /// True if the range holds older events that are not told.
    pub(crate) limited: bool,
    /// Where paging backwards goes on; `None` where there is nothing to go back to.
    pub(crate) prev_batch: Option<PageToken>,
}

/// The newest visible events with `from < placed <= upto` that pass the filter.
pub(crate) fn timeline(
    look: &Look<'_>,
    room: StreamId,
    room_id: &str,
    from: LogPosition,
    upto: LogPosition,
) -> Result<Timeline, StoreError> {
    let limit = look.asker.filter.timeline_limit();
    let mut newest_first = Vec::new();
    let mut end = upto;
    let mut scanned = 0;
    // One more than the limit tells whether the answer is limited.
    let chunk = limit + 1;
    let limited = 'scan: loop {
        let range = look.snapshot.live_range(room, from, end, chunk)?;
        for found in range.events.iter().rev() {
            scanned += 1;
            let Some(event) = look.snapshot.event_at(found.event)? else { continue };
            let shown = event.shown();
            let facts = EventFacts {
                event_type: event.str("type").unwrap_or_default(),
                sender: event.str("sender"),
                content: shown.get("content").and_then(serde_json::Value::as_object),
            };
            if !look.asker.filter.wants_timeline(room_id, facts)
                || !may_read(look.snapshot, &event, &look.viewer)?
            {
                continue;
            }
            if newest_first.len() == limit {
                break 'scan true;
            }
            newest_first.push((found.placed, event));
        }
        if !range.limited {
            break false;
        }
        if scanned >= SCAN_MAX {
            break true;
        }
        match range.events.first() {
            Some(oldest) if oldest.placed.0 > 0 => end = LogPosition(oldest.placed.0 - 1),
            _ => break false,
        }
    };
    newest_first.reverse();
    let first = newest_first.first().and_then(|(_, event): &(_, EventInfo)| event.row.place);
    let prev_batch = match first {
        Some(first) => Some(PageToken(first)),
        // All that there is lies before the end of the range.
        None if limited => look.snapshot.place_at(room, upto)?.map(PageToken::after),
        None => None,
    };
    Ok(Timeline { events: newest_first, limited, prev_batch })
}
