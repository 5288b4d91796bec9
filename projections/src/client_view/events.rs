//! Events: stored, placed, redacted.
//!
//! Owns the order in which one placement reaches the tables: its own row, the two timelines,
//! current state (and with it memberships), relations and threads, unread sums. A stub stands in the
//! timelines where its message stood, and shows nothing: a view that is built after the message was
//! destroyed has the rows that later events rest on.

use std::sync::Arc;

use facts::{
    Fact, LogPosition, StreamId,
    fact::{
        PduPlaced, PduRedacted, PduStored, PduStub, Placement, PlacementKind, StateBefore, Verdict,
    },
};

use super::{
    applying::{Applying, Latest},
    lookup::{event_position, event_row},
    media, membership, relations,
    rows::{BeforeRow, EventKind, EventRow, RedactedRow, RoomRow},
    state,
    table::Table,
    timeline, unread,
};
use crate::{
    bodies::EventBody,
    store::{Key, Rows, StoreError},
};

/// An event on its way into rows.
pub(super) struct Placing<'a> {
    pub(super) room: StreamId,
    pub(super) event: LogPosition,
    pub(super) body: &'a EventBody,
    pub(super) row: EventRow,
    /// Ids of previous events that the timeline does not have.
    pub(super) missing: Vec<String>,
}

pub(super) fn stored(a: &mut Applying<'_>, stored: &PduStored) -> Result<(), StoreError> {
    a.batch.put_u64(Key::new(Table::EventById).str(&stored.event_id), a.position().0);
    let Some(body) = EventBody::of(a.fact(), a.recorded_at()).map(Arc::new) else {
        return Ok(());
    };
    a.keep(&body);
    begin(a, &body, state_place(&body), stored.placement.as_ref())
}

/// A message was stored here, and only its stub is left.
pub(super) fn stub(a: &mut Applying<'_>, stub: &PduStub) -> Result<(), StoreError> {
    a.batch.put_u64(Key::new(Table::EventById).str(&stub.event_id), a.position().0);
    let body = EventBody::of_stub(stub, a.fact(), a.recorded_at());
    begin(a, &body, None, stub.placement.as_ref())
}

fn begin(
    a: &mut Applying<'_>,
    body: &EventBody,
    state: Option<(String, String)>,
    placement: Option<&Placement>,
) -> Result<(), StoreError> {
    let event = a.position();
    let row = EventRow {
        room: a.stream(),
        placed: event,
        kind: EventKind::Unplaced,
        accepted: false,
        in_step: false,
        place: None,
        state,
    };
    if let Some(placement) = placement {
        return place(a, event, body, row, placement);
    }
    put_row(a, event, &row);
    Ok(())
}

pub(super) fn placed(a: &mut Applying<'_>, placed: &PduPlaced) -> Result<(), StoreError> {
    let event = a.resolve(placed.pdu);
    let (Some(row), Some(body)) = (event_row(a.batch, event)?, a.body_or_stub(event)?) else {
        return Ok(());
    };
    timeline::unplace(a, event, &row, &body)?;
    place(a, event, &body, row, &placed.placement)
}

/// Type and state key, for a state event.
fn state_place(body: &EventBody) -> Option<(String, String)> {
    Some((body.str("type")?.to_owned(), body.str("state_key")?.to_owned()))
}

fn put_row(a: &mut Applying<'_>, event: LogPosition, row: &EventRow) {
    a.batch.put(Key::new(Table::Event).u64(event.0), row.encode());
}

fn place(
    a: &mut Applying<'_>,
    event: LogPosition,
    body: &EventBody,
    mut row: EventRow,
    placement: &Placement,
) -> Result<(), StoreError> {
    let room = row.room;
    let mut room_row = a.room_row(room)?;
    let (previous, missing) = previous_events(a, room, body)?;
    row.placed = a.position();
    row.kind = EventRow::kind_of(placement.kind);
    row.accepted = EventRow::is_accepted(placement.verdict);
    row.place = placement.timeline;
    row.in_step = is_in_step(placement.kind, &room_row, &previous, &missing);
    put_row(a, event, &row);
    let latest = Latest { event_id: body.event_id.clone(), event };
    a.memory.placed(room, in_timeline(&row).then_some(latest));
    put_before(a, event, &row, &previous, placement);
    let placing = Placing { room, event, body, row, missing };
    if placing.body.str("type") == Some("m.room.create") && placing.row.accepted {
        room_row.create = event.0;
    }
    advance(a, &mut room_row, &placing, placement);
    a.put_room(room, &room_row);
    if placing.row.accepted && placing.row.kind != EventKind::Outlier {
        show(a, &placing)?;
        media::referred_by_event(a, event, body);
    }
    if !placement.changes.is_empty() {
        state::apply_changes(a, room, &placement.changes)?;
    } else if placing.row.kind == EventKind::Outlier && placing.row.accepted {
        membership::outside(a, &placing)?;
    }
    if placing.row.accepted && placing.row.kind == EventKind::Live {
        if !body.is_stub() {
            unread::count(a, &placing)?;
        }
        a.touch_members(room)?;
    }
    Ok(())
}

/// Makes an accepted event visible. A redaction waits until it takes effect.
fn show(a: &mut Applying<'_>, placing: &Placing<'_>) -> Result<(), StoreError> {
    if placing.body.str("type") == Some("m.room.redaction") {
        let key = Key::new(Table::RedactionApplied).u64(placing.event.0);
        if a.batch.get(key.as_bytes())?.is_none() {
            return Ok(());
        }
    }
    timeline::show(a, placing, a.position())?;
    relations::show(a, placing)
}

/// Forward extremities and the last movement.
fn advance(
    a: &mut Applying<'_>,
    room_row: &mut RoomRow,
    placing: &Placing<'_>,
    placement: &Placement,
) {
    match &placement.extremities {
        Some(extremities) => {
            room_row.extremities = extremities.iter().map(|at| a.resolve(*at).0).collect();
            room_row.extremities.sort_unstable();
        }
        None if placing.row.kind == EventKind::Live && placement.verdict == Verdict::Accept => {
            room_row.extremities = vec![placing.event.0];
        }
        None => {}
    }
    let live = placing.row.kind == EventKind::Live && placing.row.accepted;
    if live {
        room_row.last_live = a.position().0;
    }
    if live || !placement.changes.is_empty() {
        a.moved(placing.room, room_row);
    }
}

/// The state before a live event that follows all forward extremities is the current state.
fn is_in_step(
    kind: PlacementKind,
    room_row: &RoomRow,
    previous: &[LogPosition],
    missing: &[String],
) -> bool {
    let mut previous: Vec<u64> = previous.iter().map(|at| at.0).collect();
    previous.sort_unstable();
    previous.dedup();
    kind == PlacementKind::Live && missing.is_empty() && previous == room_row.extremities
}

fn put_before(
    a: &mut Applying<'_>,
    event: LogPosition,
    row: &EventRow,
    previous: &[LogPosition],
    placement: &Placement,
) {
    let key = Key::new(Table::EventBefore).u64(event.0);
    if row.in_step {
        a.batch.remove(key);
        return;
    }
    let before = match &placement.before {
        StateBefore::Unknown => {
            a.batch.remove(key);
            return;
        }
        StateBefore::AfterPrev => {
            BeforeRow { base: previous.first().map(|at| at.0), delta: Vec::new(), full: true }
        }
        StateBefore::Base { at, delta, full } => BeforeRow {
            base: Some(a.resolve(*at).0),
            delta: delta
                .iter()
                .map(|change| {
                    let now = change.3.map(|now| a.resolve(now).0);
                    (change.0.clone(), change.1.clone(), now)
                })
                .collect(),
            full: *full,
        },
    };
    a.batch.put_row(key, &before);
}

/// Previous events by position, and the ids of those that the timeline does not have.
fn previous_events(
    a: &Applying<'_>,
    room: StreamId,
    body: &EventBody,
) -> Result<(Vec<LogPosition>, Vec<String>), StoreError> {
    let mut known = Vec::new();
    let mut missing = Vec::new();
    let latest = a.memory.latest.get(&room);
    for id in &body.head().prev_events {
        if let Some(latest) = latest.filter(|latest| latest.event_id == *id) {
            known.push(latest.event);
            continue;
        }
        match event_position(a.batch, id)? {
            Some(position)
                if event_row(a.batch, position)?.is_some_and(|row| in_timeline(&row)) =>
            {
                known.push(position);
            }
            _ => missing.push(id.clone()),
        }
    }
    Ok((known, missing))
}

fn in_timeline(row: &EventRow) -> bool {
    !matches!(row.kind, EventKind::Outlier | EventKind::Unplaced)
}

pub(super) fn redacted(a: &mut Applying<'_>, redacted: &PduRedacted) -> Result<(), StoreError> {
    let target = a.resolve(redacted.target);
    let by = a.resolve(redacted.by);
    let applied = Key::new(Table::RedactionApplied).u64(by.0);
    if a.batch.get(applied.as_bytes())?.is_some() {
        return Ok(());
    }
    a.batch.put_u64(applied, target.0);
    take_back(a, target, by)?;
    let (Some(row), Some(body)) = (event_row(a.batch, by)?, a.event_body(by)?) else {
        return Ok(());
    };
    if !row.accepted || !in_timeline(&row) {
        return Ok(());
    }
    // Clients that were told of the redaction's position already see it here instead.
    let shown_at = if row.placed >= a.batch_start() { row.placed } else { a.position() };
    let room = row.room;
    let (_, missing) = previous_events(a, room, &body)?;
    let placing = Placing { room, event: by, body: &body, row, missing };
    timeline::show(a, &placing, shown_at)?;
    let mut room_row = a.room_row(room)?;
    a.moved(room, &mut room_row);
    a.touch_members(room)
}

/// Marks an event as redacted. One that is redacted already stays so by the redaction that took
/// effect first: a later one changes nothing of it.
fn take_back(a: &mut Applying<'_>, target: LogPosition, by: LogPosition) -> Result<(), StoreError> {
    let key = Key::new(Table::Redacted).u64(target.0);
    if a.batch.get(key.as_bytes())?.is_some() {
        return Ok(());
    }
    a.batch.put_row(key, &RedactedRow { by: by.0, applied: a.position().0 });
    if let (Some(row), Some(body)) = (event_row(a.batch, target)?, a.event_body(target)?) {
        relations::hide(a, target, &row, &body)?;
    }
    Ok(())
}

impl Applying<'_> {
    /// The event stored at a position.
    pub(super) fn event_body(
        &self,
        event: LogPosition,
    ) -> Result<Option<Arc<EventBody>>, StoreError> {
        Ok(self.memory.bodies.event(event)?)
    }

    /// The same, or what a stub tells of it.
    fn body_or_stub(&self, event: LogPosition) -> Result<Option<Arc<EventBody>>, StoreError> {
        if let Some(body) = self.event_body(event)? {
            return Ok(Some(body));
        }
        let Some(body) = self.memory.bodies.get(event)? else { return Ok(None) };
        let Fact::PduStub(stub) = &body.fact else { return Ok(None) };
        let fact = Arc::new(body.fact.clone());
        Ok(Some(Arc::new(EventBody::of_stub(stub, &fact, body.recorded_at))))
    }
}
