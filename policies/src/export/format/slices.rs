//! Slices: what happened in one room on one day, bounded in length.
//!
//! Owns how the items of an export are parted for forms that are read as conversations, and the
//! names of their files. Days are UTC, by received time. A long day has several slices.

use super::{FormError, Source};
use crate::export::{
    event::Event,
    index::{Place, day_text},
    item::{Item, What},
};

/// Items of a slice, at most.
const ITEMS_MAX: usize = 5_000;
/// And bytes of their evidence.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A slice; its items are in order of the log.
pub(super) struct Slice {
    pub(super) room: String,
    /// `room-0001`.
    pub(super) folder: String,
    /// `2026-11-30`, or `2026-11-30-2` for the second one of a long day.
    pub(super) name: String,
    pub(super) items: Vec<Item>,
}

impl Slice {
    /// First position.
    pub(super) fn first(&self) -> u64 {
        self.items.first().map_or(0, |item| item.position)
    }

    /// Last position.
    pub(super) fn last(&self) -> u64 {
        self.items.last().map_or(0, |item| item.position)
    }

    /// Recorded times of its first and last item.
    pub(super) fn times(&self) -> (u64, u64) {
        let time = |item: Option<&Item>| item.map_or(0, |item| item.recorded_at);
        (time(self.items.first()), time(self.items.last()))
    }

    /// Everybody who sent something or read in it, in order of names.
    pub(super) fn people(&self) -> Vec<String> {
        let mut people: Vec<_> = self
            .items
            .iter()
            .flat_map(|item| match &item.what {
                What::Event(event) => vec![event.sender().to_owned(), member_of(event)],
                What::Receipt { user, .. } => vec![user.clone()],
                _ => Vec::new(),
            })
            .filter(|name| !name.is_empty())
            .collect();
        people.sort_unstable();
        people.dedup();
        people
    }
}

/// Whose membership an event is about; empty for none.
pub(super) fn member_of(event: &Event) -> String {
    let is_member = event.event_type() == "m.room.member";
    event.state_key().filter(|_| is_member).unwrap_or_default().to_owned()
}

/// Visits every slice, room after room.
pub(super) fn each_slice(
    source: &mut Source<'_>,
    mut visit: impl FnMut(&mut Source<'_>, &Slice) -> Result<(), FormError>,
) -> Result<(), FormError> {
    let index = source.index;
    for day in index.grouped.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (room, date) = (day[0].0, day_text(day[0].1));
        let folder = format!("room-{:04}", room + 1);
        let name = index.rooms.get(room as usize).cloned().unwrap_or_default();
        for (number, places) in bounded(day).enumerate() {
            let mut items = Vec::with_capacity(places.len());
            for (_, _, place) in places {
                items.extend(source.item(*place)?);
            }
            let name_of_slice =
                if number == 0 { date.clone() } else { format!("{date}-{}", number + 1) };
            let slice =
                Slice { room: name.clone(), folder: folder.clone(), name: name_of_slice, items };
            visit(source, &slice)?;
        }
    }
    Ok(())
}

type Grouped = (u32, u32, Place);

/// Parts of a day within the bounds; one item is always taken.
fn bounded(day: &[Grouped]) -> impl Iterator<Item = &[Grouped]> {
    let mut rest = day;
    std::iter::from_fn(move || {
        let first = rest.first()?.2.offset;
        let fits = |(i, (_, _, place)): (usize, &Grouped)| {
            i == 0 || (i < ITEMS_MAX && place.offset.saturating_sub(first) < BYTES_MAX)
        };
        let count = rest.iter().enumerate().take_while(|entry| fits(*entry)).count();
        let (taken, left) = rest.split_at(count);
        rest = left;
        Some(taken)
    })
}
