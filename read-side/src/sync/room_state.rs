//! The state section of a room in `/sync`, in both dialects.
//!
//! Owns what goes into `state` and `state_after`: differences of *current state* between two
//! positions (DESIGN section 6). A client that folds the sections of any chain of tokens has the
//! full state. In the dialect `state` that is the state before the timeline, plus changes inside
//! the timeline's range that no timeline event tells (a resolution may change other places).

use std::collections::{BTreeMap, BTreeSet};

use facts::{LogPosition, StreamId};
use projections::query::StoreError;

use super::{answer::Look, query::StateDialect, timeline::Timeline};

/// Places of state with the event that holds them.
type Places = BTreeMap<(String, String), LogPosition>;

/// Which stretch of the log the state section covers.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    /// The client's state is that after this position; `None`: it has none.
    pub(crate) from: Option<LogPosition>,
    /// The answer tells up to here.
    pub(crate) upto: LogPosition,
}

/// Positions of the state events to tell, in order of type and key.
pub(crate) fn state_section(
    look: &Look<'_>,
    room: StreamId,
    stretch: Stretch,
    timeline: &Timeline,
) -> Result<Vec<LogPosition>, StoreError> {
    let mut places = match look.asker.use_state_after {
        StateDialect::Before => before_timeline(look, room, stretch, timeline)?,
        StateDialect::After | StateDialect::AfterUnstable => {
            changes(look, room, stretch.from, stretch.upto)?
        }
    };
    if look.asker.filter.lazy_members() {
        thin_members(look, room, stretch, timeline, &mut places)?;
    }
    Ok(places.into_values().collect())
}

/// What differs between the client's state and the state after `upto`.
fn changes(
    look: &Look<'_>,
    room: StreamId,
    from: Option<LogPosition>,
    upto: LogPosition,
) -> Result<Places, StoreError> {
    let mut places = Places::new();
    match from {
        None => {
            for entry in look.snapshot.state_as_of(room, upto)? {
                places.insert((entry.event_type, entry.state_key), entry.event);
            }
        }
        Some(from) => {
            for delta in look.snapshot.state_delta(room, from, upto)? {
                if let Some(new) = delta.new {
                    places.insert((delta.event_type, delta.state_key), new);
                }
            }
        }
    }
    Ok(places)
}

fn before_timeline(
    look: &Look<'_>,
    room: StreamId,
    stretch: Stretch,
    timeline: &Timeline,
) -> Result<Places, StoreError> {
    let Some((first, _)) = timeline.events.first() else {
        return changes(look, room, stretch.from, stretch.upto);
    };
    let start = LogPosition(first.0.saturating_sub(1));
    let mut places = changes(look, room, stretch.from, start)?;
    let told: BTreeSet<_> =
        timeline.events.iter().filter_map(|(_, event)| event.row.state.clone()).collect();
    for delta in look.snapshot.state_delta(room, start, stretch.upto)? {
        let place = (delta.event_type, delta.state_key);
        if let Some(new) = delta.new
            && !told.contains(&place)
        {
            places.insert(place, new);
        }
    }
    Ok(places)
}

/// Lazy-loaded members: those of the timeline's senders, the reader's own, and, where the client
/// knows nothing of the room yet, the heroes'. Changes of membership are told to incremental
/// clients in any case.
fn thin_members(
    look: &Look<'_>,
    room: StreamId,
    stretch: Stretch,
    timeline: &Timeline,
    places: &mut Places,
) -> Result<(), StoreError> {
    let mut wanted: BTreeSet<String> = timeline
        .events
        .iter()
        .filter_map(|(_, event)| event.str("sender").map(str::to_owned))
        .collect();
    if stretch.from.is_none() {
        wanted.insert(look.asker.user_id.clone());
        if !is_named(look, room)? {
            for hero in look.snapshot.room_summary(room, look.asker.user)?.heroes {
                wanted.extend(look.snapshot.name(hero)?);
            }
        }
        places.retain(|(event_type, key), _| event_type != MEMBER || wanted.contains(key));
    }
    let as_of = match (look.asker.use_state_after, timeline.events.first()) {
        (StateDialect::Before, Some((first, _))) => LogPosition(first.0.saturating_sub(1)),
        _ => stretch.upto,
    };
    for sender in wanted {
        let place = (MEMBER.to_owned(), sender);
        if places.contains_key(&place) {
            continue;
        }
        let event = look.snapshot.state_event_as_of(room, MEMBER, &place.1, as_of)?;
        if let Some(event) = event {
            places.insert(place, event);
        }
    }
    Ok(())
}

/// A room with a name of its own needs no heroes to be named after.
fn is_named(look: &Look<'_>, room: StreamId) -> Result<bool, StoreError> {
    for event_type in ["m.room.name", "m.room.canonical_alias"] {
        if let Some(event) = look.snapshot.state_event(room, event_type, "")?
            && let Some(event) = look.snapshot.event_at(event)?
            && event.content().is_some_and(|content| !content.is_empty())
        {
            return Ok(true);
        }
    }
    Ok(false)
}

const MEMBER: &str = "m.room.member";
