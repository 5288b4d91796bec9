//! The holds that are in force, ready to be asked.
//!
//! Owns [`Holds`]: an immutable snapshot that destroying paths and the read side share. A question
//! costs what the record's own persons and room are held by, not the number of holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use facts::{LogPosition, Timestamp, fact::Scope};

use super::Record;

/// One part of a hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldPart {
    /// Custodians; empty for everybody.
    pub users: BTreeSet<String>,
    /// Rooms; empty for everywhere.
    pub rooms: BTreeSet<String>,
    /// What was in force at this time or later.
    pub from: Option<Timestamp>,
    /// What was received before this time.
    pub until: Option<Timestamp>,
}

/// A hold in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// The matter.
    pub matter: String,
    /// The parts in force, by number.
    pub parts: BTreeMap<u32, HoldPart>,
}

/// Hold and part.
type PartKey = (LogPosition, u32);

/// All holds in force.
#[derive(Clone, Debug, Default)]
pub struct Holds {
    by_id: BTreeMap<LogPosition, Hold>,
    /// Parts by each of their persons.
    by_user: HashMap<String, Vec<PartKey>>,
    /// Parts that name rooms and no persons, by each of their rooms.
    by_room: HashMap<String, Vec<PartKey>>,
    /// Parts that name neither.
    everywhere: Vec<PartKey>,
}

impl From<&Scope> for HoldPart {
    fn from(scope: &Scope) -> Self {
        let names = |subjects: &[facts::fact::Subject]| {
            subjects.iter().map(|subject| subject.name.clone()).collect()
        };
        Self {
            users: names(&scope.users),
            rooms: names(&scope.rooms),
            from: scope.from,
            until: scope.until,
        }
    }
}

impl HoldPart {
    /// Whether it covers a record.
    pub fn covers(&self, record: &Record<'_>) -> bool {
        let person =
            self.users.is_empty() || record.everybody().any(|user| self.users.contains(user));
        let place = self.rooms.is_empty() || record.places().any(|room| self.rooms.contains(room));
        person && place && self.covers_time(record)
    }

    /// A record is covered if any instant of its being in force is: state that was set before the
    /// time and still stood in it belongs to what has to be shown.
    fn covers_time(&self, record: &Record<'_>) -> bool {
        let begun = self.until.is_none_or(|until| record.received < until);
        let stood = match (self.from, record.last_in_force()) {
            (Some(from), Some(last)) => from <= last,
            _ => true,
        };
        begun && stood
    }
}

impl Holds {
    /// An index over these holds, by the positions that name them.
    pub fn new(holds: BTreeMap<LogPosition, Hold>) -> Self {
        let mut index = Self::default();
        for (id, hold) in &holds {
            for (number, part) in &hold.parts {
                let key = (*id, *number);
                for user in &part.users {
                    index.by_user.entry(user.clone()).or_default().push(key);
                }
                if part.users.is_empty() {
                    for room in &part.rooms {
                        index.by_room.entry(room.clone()).or_default().push(key);
                    }
                }
                if part.users.is_empty() && part.rooms.is_empty() {
                    index.everywhere.push(key);
                }
            }
        }
        Self { by_id: holds, ..index }
    }

    /// The holds, by the positions that name them.
    pub fn all(&self) -> &BTreeMap<LogPosition, Hold> {
        &self.by_id
    }

    /// The first hold that covers a record; destroying it is refused.
    pub fn covers(&self, record: &Record<'_>) -> Option<LogPosition> {
        self.parts_of(record).filter(|(_, part)| part.covers(record)).map(|(hold, _)| hold).min()
    }

    /// All holds that cover a record, with their matters, in order of their positions.
    pub fn covering(&self, record: &Record<'_>) -> BTreeMap<LogPosition, &str> {
        self.parts_of(record)
            .filter(|(_, part)| part.covers(record))
            .map(|(id, _)| (id, self.by_id[&id].matter.as_str()))
            .collect()
    }

    /// Holds that may cover something of a person, whatever it is: none of it is destroyed as a
    /// whole (the end of a person's tree) while there is one.
    pub fn touching_user(&self, user: &str) -> BTreeSet<LogPosition> {
        let named = self.by_user.get(user).into_iter().flatten().map(|(id, _)| *id);
        let anybody = self.without_users().map(|(id, _)| id);
        named.chain(anybody).collect()
    }

    /// Holds that may cover something in a room: it is not purged while there is one.
    pub fn touching_room(&self, room: &str) -> BTreeSet<LogPosition> {
        self.by_id
            .iter()
            .filter(|(_, hold)| {
                hold.parts.values().any(|part| part.rooms.is_empty() || part.rooms.contains(room))
            })
            .map(|(id, _)| *id)
            .collect()
    }

    fn without_users(&self) -> impl Iterator<Item = PartKey> {
        self.by_room.values().flatten().chain(&self.everywhere).copied()
    }

    fn parts_of(&self, record: &Record<'_>) -> impl Iterator<Item = (LogPosition, &HoldPart)> {
        let by_user = record.everybody().filter_map(|user| self.by_user.get(user)).flatten();
        let by_room = record.places().filter_map(|room| self.by_room.get(room)).flatten();
        by_user
            .chain(by_room)
            .chain(&self.everywhere)
            .map(|(id, number)| (*id, &self.by_id[id].parts[number]))
    }
}
