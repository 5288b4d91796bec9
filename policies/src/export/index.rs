//! What the forms need to know before the first line is written: names, display names as they
//! were at each time, what became of an event later, which room and day an item belongs to.
//!
//! Owns one pass over the evidence; what it is asked is in `index/lookup.rs`. Holds positions and
//! names, never texts; at most [`ITEMS_MAX`] items, beyond which narrower dates are asked for, and of
//! media that are named those alone that the ledger proves (I10): whoever writes events may name
//! thousands in each that never were.

mod lookup;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::LazyLock,
};

use facts::{Fact, StreamId};
use memchr::memmem::Finder;

use super::{
    CONTEXT_FILE, ENTRIES_FILE,
    calendar::utc_day,
    check::EvidenceFault,
    event::{Event, Relation, is_plain},
    evidence::{EvidenceLine, Left, LineFault},
    item::{What, avatar_ids},
    lines::each_line,
};

/// Items of one export, at most; the index of so many takes about 1 GiB.
pub const ITEMS_MAX: usize = 8_000_000;

/// Named media without a proof that are told apart, at most; more are not counted.
pub const UNPROVEN_MAX: usize = 1_000_000;

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The evidence.
    #[error(transparent)]
    Evidence(#[from] EvidenceFault),
    /// Too many items.
    #[error("the export has more than {ITEMS_MAX} items; open cases with narrower dates")]
    TooLarge,
}

/// Names of streams.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<StreamId, String>);

impl Names {
    /// The name; the stream's number where it is not known.
    pub(crate) fn of(&self, stream: StreamId) -> String {
        self.0.get(&stream).cloned().unwrap_or_else(|| format!("stream {}", stream.0))
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Became {
    Edited,
    Reacted,
    Read,
}

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) position: u64,
    pub(crate) offset: u64,
}

/// A stored blob that the evidence proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Medium {
    pub(crate) sha256: [u8; 32],
    pub(crate) bytes: u64,
    pub(crate) content_type: Option<String>,
    pub(crate) file_name: Option<String>,
}

type Key = u64;
/// Positions of somebody's memberships: the name that was taken or given up, and whether the
/// person was joined.
type NamesTaken = Vec<(u64, Option<String>, bool)>;

/// The index.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) names: Names,
    pub(crate) server: String,
    pub(crate) media: BTreeMap<String, Medium>,
    /// Proven media that the events name, by the first position that does.
    pub(crate) named_media: BTreeMap<String, u64>,
    /// What the others are found by.
    unproven: HashSet<Key>,
    /// Number of a room in paths, in order of first appearance.
    pub(crate) rooms: Vec<String>,
    room_numbers: HashMap<String, u32>,
    stream_numbers: HashMap<StreamId, u32>,
    /// (room, day) of every item of a room, in order of the log.
    pub(crate) grouped: Vec<(u32, u32, Place)>,
    /// Items of no room.
    pub(crate) apart: Vec<Place>,
    later: Vec<(Key, Became, Place)>,
    /// Which keys may be in `later`: most events are referred to by nothing.
    may_be_later: Vec<bool>,
    /// The redaction that took effect first on an event, after the position from which on it does.
    redacted: HashMap<u64, (u64, u64)>,
    /// Where the lines of redactions in the context begin: somebody else's, of what is shown.
    redactions: HashMap<u64, u64>,
    places: HashMap<u64, u64>,
    member_names: HashMap<(u32, String), NamesTaken>,
    room_names: HashMap<u32, Vec<(u64, String)>>,
    items: usize,
}

impl Index {
    /// Reads the evidence of a directory.
    pub(crate) fn build(dir: &Path, server: &str) -> Result<Self, IndexError> {
        let mut index = Self::of_context(dir, server)?;
        let mut offset = 0;
        each_line(dir, ENTRIES_FILE, |number, line| {
            let at = offset;
            offset += line.len() as u64 + 1;
            if !may_be_item(line) {
                return Ok(());
            }
            let line = parse(ENTRIES_FILE, number, line)?;
            if let Some(left) = line.left() {
                index.take(&line, left, at);
            }
            Ok(())
        })?;
        index.settled()
    }

    /// An index of the context alone; entries are to follow.
    pub(super) fn of_context(dir: &Path, server: &str) -> Result<Self, IndexError> {
        let mut index = Self { server: server.to_owned(), ..Self::default() };
        // Names first: everything else is told with them.
        each_line(dir, CONTEXT_FILE, |number, line| index.note_name(number, line))?;
        let mut offset = 0;
        each_line(dir, CONTEXT_FILE, |number, line| {
            let at = offset;
            offset += line.len() as u64 + 1;
            let line = parse(CONTEXT_FILE, number, line)?;
            if let Some(what) = line.left().and_then(|left| What::of(&line, left, &index.names)) {
                let position = line.entry.header.position.0;
                index.note_context(what, Place { position, offset: at });
            }
            Ok(())
        })?;
        Ok(index)
    }

    /// Takes the next entry of the stretch, whose line begins at `offset`. What is beyond the
    /// bound is counted and not taken.
    pub(super) fn take(&mut self, line: &EvidenceLine, left: Left, offset: u64) {
        if self.items > ITEMS_MAX {
            return;
        }
        let header = &line.entry.header;
        let place = Place { position: header.position.0, offset };
        let day = day_of(header.recorded_at.0);
        if let Some(Fact::PduStored(stored)) = &left.0
            && is_plain(stored)
        {
            // Most entries; nothing but where it stands is to be noted.
            self.items += 1;
            let room = self.room_of(header.stream);
            self.grouped.push((room, day, place));
        } else if let Some(what) = What::of(line, left, &self.names) {
            self.items += 1;
            self.note(&what, day, place);
        }
    }

    /// The index, once all was taken.
    pub(super) fn settled(mut self) -> Result<Self, IndexError> {
        if self.items > ITEMS_MAX {
            return Err(IndexError::TooLarge);
        }
        self.later.sort_unstable();
        self.may_be_later = vec![false; (self.later.len() * 8).next_power_of_two()];
        for (key, _, _) in &self.later {
            let slot = slot_of(*key, self.may_be_later.len());
            self.may_be_later[slot] = true;
        }
        self.grouped.sort_unstable();
        for names in self.member_names.values_mut() {
            names.sort_unstable();
        }
        self.room_names.values_mut().for_each(|names| names.sort_unstable());
        Ok(self)
    }

    fn note_name(&mut self, number: u64, line: &[u8]) -> Result<(), EvidenceFault> {
        let line = parse(CONTEXT_FILE, number, line)?;
        match line.fact() {
            Ok(Some(Fact::StreamOpened(opened))) => {
                self.names.0.insert(line.entry.header.stream, opened.name);
            }
            Ok(Some(Fact::MediaStored(stored))) => {
                let medium = Medium {
                    sha256: stored.sha256,
                    bytes: stored.bytes,
                    content_type: stored.content_type,
                    file_name: stored.file_name,
                };
                self.media.insert(stored.media_id, medium);
            }
            _ => {}
        }
        Ok(())
    }

    fn note_context(&mut self, what: What, place: Place) {
        match what {
            What::Event(event) => {
                self.note_state(&event, place.position);
                if event.event_type() == "m.room.redaction" {
                    self.redactions.insert(place.position, place.offset);
                }
            }
            What::RedactionApplied { target, by, .. } => {
                self.note_redacted(target, (place.position, by));
            }
            _ => {}
        }
    }

    /// The first one counts: a redaction of what is redacted changes nothing.
    fn note_redacted(&mut self, target: u64, applied: (u64, u64)) {
        let first = self.redacted.entry(target).or_insert(applied);
        *first = applied.min(*first);
    }

    fn note(&mut self, what: &What, day: u32, place: Place) {
        match what.room() {
            Some(room) => {
                let room = self.room_number(room);
                self.grouped.push((room, day, place));
            }
            None => self.apart.push(place),
        }
        match what {
            What::Event(event) => {
                self.note_state(event, place.position);
                self.note_event(event, place);
            }
            What::RedactionApplied { target, by, .. } => {
                self.note_redacted(*target, (place.position, *by));
            }
            What::Receipt { event_id, .. } => {
                self.later.push((key(event_id), Became::Read, place));
            }
            What::Profile { value, .. } => {
                self.note_media(avatar_ids(value, &self.server), place.position);
            }
            What::Destroyed { .. } => {}
        }
    }

    fn note_media(&mut self, ids: Vec<String>, position: u64) {
        // The context, which proves them, was read before.
        for id in ids {
            if self.media.contains_key(&id) {
                self.named_media.entry(id).or_insert(position);
            } else if self.unproven.len() < UNPROVEN_MAX {
                self.unproven.insert(key(&id));
            }
        }
    }

    fn note_event(&mut self, event: &Event, place: Place) {
        match event.relation() {
            Some(Relation::Replaces(target)) => {
                self.later.push((key(target), Became::Edited, place));
            }
            Some(Relation::Annotates(target, _)) => {
                self.later.push((key(target), Became::Reacted, place));
            }
            _ => {}
        }
        if event.event_type() == "m.room.redaction" {
            self.places.insert(place.position, place.offset);
        }
        self.note_media(event.media_ids(&self.server), place.position);
    }

    fn note_state(&mut self, event: &Event, position: u64) {
        if event.verdict.is_some_and(|verdict| verdict != "accept") {
            return;
        }
        match (event.event_type(), event.state_key()) {
            ("m.room.member", Some(user)) => {
                let room = self.room_number(&event.room);
                let name = event.content_text("displayname").map(str::to_owned);
                let joined = event.content_text("membership") == Some("join");
                let taken = self.member_names.entry((room, user.to_owned())).or_default();
                taken.push((position, name, joined));
            }
            ("m.room.name", Some("")) => {
                let room = self.room_number(&event.room);
                let name = event.content_text("name").unwrap_or_default().to_owned();
                self.room_names.entry(room).or_default().push((position, name));
            }
            _ => {}
        }
    }

    /// The number of a stream's room.
    fn room_of(&mut self, stream: StreamId) -> u32 {
        if let Some(number) = self.stream_numbers.get(&stream) {
            return *number;
        }
        let number = self.room_number(&self.names.of(stream));
        self.stream_numbers.insert(stream, number);
        number
    }

    fn room_number(&mut self, room: &str) -> u32 {
        if let Some(number) = self.room_numbers.get(room) {
            return *number;
        }
        let number = u32::try_from(self.rooms.len()).unwrap_or(u32::MAX);
        self.rooms.push(room.to_owned());
        self.room_numbers.insert(room.to_owned(), number);
        number
    }
}

/// Whether a line shows or tells anything; most lines of a long stretch do not, and are not read.
pub(crate) fn may_be_item(line: &[u8]) -> bool {
    static SHOWN: LazyLock<[Finder<'static>; 2]> =
        LazyLock::new(|| ["\"clear\"", "\"destroyed\""].map(Finder::new));
    SHOWN.iter().any(|name| name.find(line).is_some())
}

fn parse(file: &'static str, number: u64, line: &[u8]) -> Result<EvidenceLine, EvidenceFault> {
    EvidenceLine::parse(line).map_err(|fault| EvidenceFault::Line { file, line: number, fault })
}

/// Days since 1970.
fn day_of(recorded_at: u64) -> u32 {
    u32::try_from(recorded_at / 86_400_000).unwrap_or(u32::MAX)
}

/// A day as text.
pub(crate) fn day_text(day: u32) -> String {
    utc_day(u64::from(day) * 86_400_000)
}

/// By which what refers to an event is found. Not stable between versions of the program, and the
/// order of nothing that is written.
fn key(event_id: &str) -> Key {
    let mut hasher = DefaultHasher::new();
    event_id.hash(&mut hasher);
    hasher.finish()
}

/// The place of a key in a table of `count`, a power of two.
fn slot_of(key: Key, count: usize) -> usize {
    usize::try_from(key % count as u64).unwrap_or(0)
}

impl From<LineFault> for IndexError {
    fn from(fault: LineFault) -> Self {
        Self::Evidence(EvidenceFault::Line { file: ENTRIES_FILE, line: 0, fault })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_media_that_are_named_only_proven_ones_are_held_by_name() {
        let mut index = Index::default();
        let medium = Medium { sha256: [0; 32], bytes: 1, content_type: None, file_name: None };
        index.media.insert("proven".to_owned(), medium);
        for position in 0..3 {
            index.note_media(["proven", "never", "nowhere"].map(str::to_owned).to_vec(), position);
        }
        let named: Vec<_> = index.named_media.iter().collect();
        assert_eq!(named, [(&"proven".to_owned(), &0)]);
        assert_eq!(index.unproven_media(), 2);
        index.unproven = (0..UNPROVEN_MAX as u64).collect();
        index.note_media(vec!["one more".to_owned()], 3);
        assert_eq!(index.unproven_media(), UNPROVEN_MAX as u64);
    }
}
