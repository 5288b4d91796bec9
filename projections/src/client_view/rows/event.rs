//! The row of an event: where it stands. Hot, so fixed binary.

use facts::{
    LogPosition, StreamId,
    fact::{PlacementKind, TimelinePlace, Verdict},
};

/// How an event stands in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Walks through `/sync`.
    Live,
    /// Known, without a known state before it.
    Outlier,
    /// Backfilled.
    Historic,
    /// Stored and not placed yet.
    Unplaced,
}

/// An event's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Room.
    pub room: StreamId,
    /// Position of the entry that placed it last; its own position if it is not placed.
    pub placed: LogPosition,
    /// How it stands.
    pub kind: EventKind,
    /// True if accepted; soft-failed, rejected and unplaced ones are shown to nobody.
    pub accepted: bool,
    /// True where the state before it is the room's current state just before `placed`.
    pub in_step: bool,
    /// Place in timeline order.
    pub place: Option<TimelinePlace>,
    /// Type and state key of a state event.
    pub state: Option<(String, String)>,
}

const STATE: u8 = 1;
const ACCEPTED: u8 = 2;
const IN_STEP: u8 = 4;
const PLACE: u8 = 8;

impl EventRow {
    /// What a placement's kind is here.
    pub(crate) fn kind_of(kind: PlacementKind) -> EventKind {
        match kind {
            PlacementKind::Live => EventKind::Live,
            PlacementKind::Outlier => EventKind::Outlier,
            PlacementKind::Historic => EventKind::Historic,
        }
    }

    /// True for a verdict that clients see.
    pub(crate) fn is_accepted(verdict: Verdict) -> bool {
        verdict == Verdict::Accept
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let kind = match self.kind {
            EventKind::Live => 0,
            EventKind::Outlier => 1,
            EventKind::Historic => 2,
            EventKind::Unplaced => 3,
        };
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.state.is_some(), STATE)
            | flag(self.accepted, ACCEPTED)
            | flag(self.in_step, IN_STEP)
            | flag(self.place.is_some(), PLACE);
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&self.room.0.to_be_bytes());
        out.extend_from_slice(&self.placed.0.to_be_bytes());
        out.extend_from_slice(&[kind, flags]);
        if let Some(place) = self.place {
            out.extend_from_slice(&place.0.to_be_bytes());
            out.extend_from_slice(&place.1.to_be_bytes());
        }
        if let Some((event_type, state_key)) = &self.state {
            let length = u32::try_from(event_type.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(event_type.as_bytes());
            out.extend_from_slice(state_key.as_bytes());
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (room, rest) = bytes.split_first_chunk::<8>()?;
        let (placed, rest) = rest.split_first_chunk::<8>()?;
        let ([kind, flags], mut rest) = rest.split_first_chunk::<2>()?;
        let mut place = None;
        if flags & PLACE != 0 {
            let (run, tail) = rest.split_first_chunk::<8>()?;
            let (index, tail) = tail.split_first_chunk::<8>()?;
            place = Some(TimelinePlace(i64::from_be_bytes(*run), i64::from_be_bytes(*index)));
            rest = tail;
        }
        let mut state = None;
        if flags & STATE != 0 {
            let (length, tail) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (event_type, state_key) = tail.split_at_checked(length)?;
            state = Some((
                String::from_utf8(event_type.to_vec()).ok()?,
                String::from_utf8(state_key.to_vec()).ok()?,
            ));
        }
        Some(Self {
            room: StreamId(u64::from_be_bytes(*room)),
            placed: LogPosition(u64::from_be_bytes(*placed)),
            kind: match kind {
                0 => EventKind::Live,
                1 => EventKind::Outlier,
                2 => EventKind::Historic,
                3 => EventKind::Unplaced,
                _ => return None,
            },
            accepted: flags & ACCEPTED != 0,
            in_step: flags & IN_STEP != 0,
            place,
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        for (place, state) in [
            (None, None),
            (Some(TimelinePlace(-3, 7)), Some(("m.room.name".to_owned(), String::new()))),
        ] {
            let row = EventRow {
                room: StreamId(4),
                placed: LogPosition(9),
                kind: EventKind::Historic,
                accepted: true,
                in_step: false,
                place,
                state,
            };
            assert_eq!(EventRow::decode(&row.encode()), Some(row));
        }
        assert_eq!(EventRow::decode(&[0; 17]), None);
    }
}
