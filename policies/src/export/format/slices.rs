//! Slices: what happened in one room on one day, bounded in length; and what happened in no room.
//!
//! Owns how the items of an export are parted for forms that are read as conversations, and the
//! names of their files. Every item is in exactly one slice. Days are UTC, by received time. A long
//! day has several slices.

use facts::calendar::DAY_MS;

use super::{FormError, Source};
use crate::export::{
    calendar::utc_day,
    event::Event,
    index::{Index, Place, day_text},
    item::{Item, What},
};

/// Items of a slice, at most.
const ITEMS_MAX: usize = 5_000;
/// And bytes of their evidence.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// In the place of a room's id: profiles, and entries that are destroyed as a whole.
const NO_ROOM: &str = "(no room)";
/// Folder of what happened there.
const NO_ROOM_FOLDER: &str = "no-room";

/// A slice; its items are in order of the log.
pub(super) struct Slice {
    /// Absent for items of no room.
    pub(super) room: Option<String>,
    /// `room-0001`, or `no-room`.
    pub(super) folder: String,
    /// `2026-11-30`, or `2026-11-30-2` for the second one of a long day.
    pub(super) name: String,
    pub(super) items: Vec<Item>,
}

impl Slice {
    /// Its room's id, or words that say that there is none.
    pub(super) fn room_id(&self) -> &str {
        self.room.as_deref().unwrap_or(NO_ROOM)
    }

    /// Its room's name at its end.
    pub(super) fn room_name<'a>(&self, index: &'a Index) -> Option<&'a str> {
        index.room_name(self.room.as_deref()?, self.last())
    }

    /// The room by its name, if it has one.
    pub(super) fn title<'a>(&'a self, index: &'a Index) -> &'a str {
        self.room_name(index).unwrap_or_else(|| self.room_id())
    }

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
                What::Receipt { user, .. } | What::Profile { user, .. } => vec![user.clone()],
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

/// Visits every slice: room after room, and then what happened in none.
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
            source.told += items.len();
            let (room, folder) = (Some(name.clone()), folder.clone());
            visit(source, &Slice { room, folder, name: numbered(&date, number), items })?;
        }
    }
    each_of_no_room(source, visit)
}

/// The same of items of no room: their days are known once they are read.
fn each_of_no_room(
    source: &mut Source<'_>,
    mut visit: impl FnMut(&mut Source<'_>, &Slice) -> Result<(), FormError>,
) -> Result<(), FormError> {
    let mut rest = &source.index.apart[..];
    let (mut last_date, mut number) = (String::new(), 0);
    while let Some(first) = rest.first() {
        let mut items: Vec<Item> = Vec::new();
        let mut taken = 0;
        for place in rest {
            if taken > 0 && !fits(taken, first, place) {
                break;
            }
            let item = source.item(*place)?;
            let day = |item: &Item| item.recorded_at / DAY_MS;
            if item.as_ref().map(day) != items.first().map(day) && !items.is_empty() {
                break;
            }
            items.extend(item);
            taken += 1;
        }
        rest = &rest[taken..];
        source.told += items.len();
        let date = utc_day(items.first().map_or(0, |item| item.recorded_at));
        number = if date == last_date { number + 1 } else { 0 };
        let (name, folder) = (numbered(&date, number), NO_ROOM_FOLDER.to_owned());
        visit(source, &Slice { room: None, folder, name, items })?;
        last_date = date;
    }
    Ok(())
}

/// The name of a day's slice, from 0.
fn numbered(date: &str, number: usize) -> String {
    if number == 0 { date.to_owned() } else { format!("{date}-{}", number + 1) }
}

/// Whether an item is within the bounds of a slice that has `count` items and begins at `first`.
fn fits(count: usize, first: &Place, place: &Place) -> bool {
    count < ITEMS_MAX && place.offset.saturating_sub(first.offset) < BYTES_MAX
}

type Grouped = (u32, u32, Place);

/// Parts of a day within the bounds; one item is always taken.
fn bounded(day: &[Grouped]) -> impl Iterator<Item = &[Grouped]> {
    let mut rest = day;
    std::iter::from_fn(move || {
        let first = rest.first()?.2;
        let fits = |(i, (_, _, place)): &(usize, &Grouped)| *i == 0 || fits(*i, &first, place);
        let count = rest.iter().enumerate().take_while(fits).count();
        let (taken, left) = rest.split_at(count);
        rest = left;
        Some(taken)
    })
}
