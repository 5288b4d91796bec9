//! Who is typing: ephemeral, in memory, never in the log (DESIGN section 5).
//!
//! Owns the current typists of each room and a counter that `/sync` tokens carry. Invariants: I9
//! (time is handed in), I10 (bounded rooms and typists; what is too much is not shown).

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicBool, Ordering},
};

use facts::{StreamId, Timestamp};
use parking_lot::Mutex;

/// Rooms with typists at one time.
pub(crate) const TYPING_ROOMS_MAX: usize = 100_000;
/// Typists of a room at one time.
pub(crate) const TYPISTS_MAX: usize = 100;
/// A notice lasts at most this long, whatever the client asks for.
pub(crate) const TYPING_MS_MAX: u64 = 120_000;

/// Whether somebody already ends notices whose time is over; one does for the whole server.
#[derive(Default)]
pub(crate) struct Sweeping(AtomicBool);

impl Sweeping {
    /// True for the one who has to sweep.
    pub(crate) fn begin(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// The sweeper stops. Whoever types afterwards begins anew.
    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// The typists of all rooms.
#[derive(Default)]
pub struct Typing {
    rooms: Mutex<Rooms>,
}

struct Rooms {
    /// Counts every change of any room. Never 0, which stands for another start of the server.
    serial: u64,
    typing: HashMap<StreamId, RoomTyping>,
    /// Serial of the last change → room, so that a sync looks at no room that did not change.
    by_serial: BTreeMap<u64, StreamId>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self { serial: 1, typing: HashMap::new(), by_serial: BTreeMap::new() }
    }
}

#[derive(Default)]
struct RoomTyping {
    /// The serial of the room's last change.
    changed: u64,
    /// User id → end of the notice.
    typists: BTreeMap<String, Timestamp>,
}

impl Typing {
    /// A user types until `until`, or stops (`None`). True if the room's typists changed.
    pub fn set(&self, room: StreamId, user_id: &str, until: Option<Timestamp>) -> bool {
        let mut rooms = self.rooms.lock();
        if rooms.typing.len() >= TYPING_ROOMS_MAX && !rooms.typing.contains_key(&room) {
            // Rooms where nobody types stay only to tell that they stopped.
            rooms.forget_quiet();
            if rooms.typing.len() >= TYPING_ROOMS_MAX {
                return false;
            }
        }
        let entry = rooms.typing.entry(room).or_default();
        let changed = match until {
            Some(until) if entry.typists.contains_key(user_id) => {
                entry.typists.insert(user_id.to_owned(), until);
                false
            }
            Some(_) if entry.typists.len() >= TYPISTS_MAX => false,
            Some(until) => entry.typists.insert(user_id.to_owned(), until).is_none(),
            None => entry.typists.remove(user_id).is_some(),
        };
        if changed {
            rooms.bump(room);
        }
        changed
    }

    /// At most `max` rooms whose typists changed after `since`, the last changed ones.
    pub fn changed_rooms(&self, since: u64, max: usize) -> Vec<StreamId> {
        let rooms = self.rooms.lock();
        let changed = rooms.by_serial.range(since.saturating_add(1)..).rev();
        changed.take(max).map(|(_, room)| *room).collect()
    }

    /// Ends notices whose time is over; the rooms whose typists changed.
    pub fn expire(&self, now: Timestamp) -> Vec<StreamId> {
        let mut rooms = self.rooms.lock();
        let mut expired = Vec::new();
        for (room, entry) in &mut rooms.typing {
            let before = entry.typists.len();
            entry.typists.retain(|_, until| *until > now);
            if entry.typists.len() != before {
                expired.push(*room);
            }
        }
        for room in &expired {
            rooms.bump(*room);
        }
        expired
    }

    /// True where nobody types anywhere.
    pub fn is_quiet(&self) -> bool {
        self.rooms.lock().typing.values().all(|entry| entry.typists.is_empty())
    }

    /// The serial of the last change anywhere.
    pub fn serial(&self) -> u64 {
        self.rooms.lock().serial
    }

    /// The typists of a room if they changed after `since`; all current ones with `since` 0.
    pub fn changed_since(&self, room: StreamId, since: u64, now: Timestamp) -> Option<Vec<String>> {
        let rooms = self.rooms.lock();
        let entry = rooms.typing.get(&room)?;
        if entry.changed <= since {
            return None;
        }
        let typists: Vec<String> = entry
            .typists
            .iter()
            .filter(|(_, until)| **until > now)
            .map(|(user, _)| user.clone())
            .collect();
        (since > 0 || !typists.is_empty()).then_some(typists)
    }
}

impl Rooms {
    fn bump(&mut self, room: StreamId) {
        self.serial += 1;
        let serial = self.serial;
        if let Some(entry) = self.typing.get_mut(&room) {
            self.by_serial.remove(&entry.changed);
            entry.changed = serial;
            self.by_serial.insert(serial, room);
        }
    }

    fn forget_quiet(&mut self) {
        let by_serial = &mut self.by_serial;
        self.typing.retain(|_, entry| {
            let stays = !entry.typists.is_empty();
            if !stays {
                by_serial.remove(&entry.changed);
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typists_come_and_go_with_the_serial() {
        let typing = Typing::default();
        let room = StreamId(5);
        assert!(typing.set(room, "@a:b", Some(Timestamp(100))));
        assert!(!typing.set(room, "@a:b", Some(Timestamp(200))), "longer is no change");
        assert_eq!(typing.changed_since(room, 0, Timestamp(1)), Some(vec!["@a:b".to_owned()]));
        let seen = typing.serial();
        assert_eq!(typing.changed_since(room, seen, Timestamp(1)), None);
        assert_eq!(typing.expire(Timestamp(150)), vec![]);
        assert_eq!(typing.expire(Timestamp(200)), vec![room]);
        assert_eq!(typing.changed_since(room, seen, Timestamp(200)), Some(vec![]));
        assert!(!typing.set(room, "@a:b", None));
    }

    #[test]
    fn a_stop_is_told_to_those_who_looked_before_anybody_typed() {
        let typing = Typing::default();
        let (room, other) = (StreamId(5), StreamId(6));
        let before = typing.serial();
        typing.set(room, "@a:b", Some(Timestamp(100)));
        typing.set(other, "@a:b", Some(Timestamp(100)));
        typing.set(room, "@a:b", None);
        assert_eq!(typing.changed_since(room, before, Timestamp(1)), Some(vec![]));
        assert_eq!(typing.changed_rooms(before, 10), [room, other]);
        assert_eq!(typing.changed_rooms(before, 1), [room]);
        assert!(typing.changed_rooms(typing.serial(), 10).is_empty());
    }
}
