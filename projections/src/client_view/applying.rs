//! What applying one entry works with.
//!
//! Owns the context of an entry and what the projection keeps in memory between entries: copies
//! of what rows and log say, bounded, forgotten at any time without harm.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use facts::{EntryHeader, EntryRef, Fact, LogPosition, StreamId, Timestamp};

use super::{
    lookup::{room_row, stream_of},
    push::{LocalMember, PushMemo, UserRules},
    recent::Change,
    rows::RoomRow,
    table::Table,
    unread::Sums,
};
use crate::{
    bodies::{Bodies, EventBody, ReadSince},
    store::{Batch, Key, StoreError},
};

/// Rooms whose local members are kept in memory.
pub(super) const ROOMS_MAX: usize = 10_000;
/// Rooms, threads and users whose running sums are kept in memory.
const SUMS_MAX: usize = 20_000;
/// Users whose push rules are kept in memory.
pub(super) const RULES_MAX: usize = 50_000;

/// What is kept between entries.
pub(super) struct Memory {
    pub(super) bodies: Arc<Bodies>,
    /// Said before the entries at hand were read; `None` while they are old ones, which nobody
    /// is about to ask for.
    pub(super) reading: Option<ReadSince>,
    pub(super) server_name: String,
    /// Users for whom the batch at hand holds something new.
    pub(super) touched: HashSet<StreamId>,
    /// What the batch at hand changes, in order.
    pub(super) changes: Vec<(LogPosition, Change)>,
    pub(super) local_members: HashMap<StreamId, Arc<Vec<LocalMember>>>,
    pub(super) rules: HashMap<StreamId, Arc<UserRules>>,
    pub(super) push: PushMemo,
    /// Rooms in which no event is missing before another: most of them, all of the time.
    pub(super) complete: HashSet<StreamId>,
    /// Sums that were added to lately, as the rows have them, by the beginning of their keys.
    pub(super) sums: HashMap<Vec<u8>, Sums>,
    /// The event that was placed last in each room, where it stands in the timeline: what the next
    /// one follows, mostly.
    pub(super) latest: HashMap<StreamId, Latest>,
}

/// An event with its place in the timeline.
pub(super) struct Latest {
    pub(super) event_id: String,
    pub(super) event: LogPosition,
}

impl Memory {
    pub(super) fn new(bodies: Arc<Bodies>, server_name: String) -> Self {
        Self {
            push: PushMemo::new(&server_name),
            bodies,
            reading: None,
            server_name,
            touched: HashSet::new(),
            changes: Vec::new(),
            local_members: HashMap::new(),
            rules: HashMap::new(),
            complete: HashSet::new(),
            sums: HashMap::new(),
            latest: HashMap::new(),
        }
    }

    /// Keeps a sum that the batch at hand writes.
    pub(super) fn keep_sums(&mut self, prefix: Vec<u8>, sums: Sums) {
        if self.sums.len() >= SUMS_MAX {
            self.sums.clear();
        }
        self.sums.insert(prefix, sums);
    }

    /// An event of the room was placed; `None` where it does not stand in the timeline.
    pub(super) fn placed(&mut self, room: StreamId, latest: Option<Latest>) {
        if self.latest.len() >= ROOMS_MAX {
            self.latest.clear();
        }
        match latest {
            Some(latest) => self.latest.insert(room, latest),
            None => self.latest.remove(&room),
        };
    }

    pub(super) fn forget(&mut self) {
        self.touched.clear();
        self.changes.clear();
        self.local_members.clear();
        self.rules.clear();
        self.complete.clear();
        self.sums.clear();
        self.latest.clear();
        self.push = PushMemo::new(&self.server_name);
    }

    /// Whether a user id is one of this server.
    pub(super) fn is_local(&self, user_id: &str) -> bool {
        user_id.split_once(':').is_some_and(|(_, server)| server == self.server_name)
    }
}

/// One entry on its way into rows.
pub(super) struct Applying<'a> {
    pub(super) batch: &'a mut Batch,
    pub(super) memory: &'a mut Memory,
    header: &'a EntryHeader,
    fact: &'a Arc<Fact>,
}

impl<'a> Applying<'a> {
    pub(super) fn new(
        batch: &'a mut Batch,
        header: &'a EntryHeader,
        fact: &'a Arc<Fact>,
        memory: &'a mut Memory,
    ) -> Self {
        Self { batch, memory, header, fact }
    }

    /// The entry's fact.
    pub(super) fn fact(&self) -> &'a Arc<Fact> {
        self.fact
    }

    /// Position of the entry.
    pub(super) fn position(&self) -> LogPosition {
        self.header.position
    }

    /// First position of the entry's batch.
    pub(super) fn batch_start(&self) -> LogPosition {
        self.header.batch
    }

    /// Stream of the entry.
    pub(super) fn stream(&self) -> StreamId {
        self.header.stream
    }

    /// Recorded time of the entry.
    pub(super) fn recorded_at(&self) -> Timestamp {
        self.header.recorded_at
    }

    /// Keeps the event that the entry stores for those who are about to ask for it.
    pub(super) fn keep(&self, event: &Arc<EventBody>) {
        if let Some(since) = self.memory.reading {
            self.memory.bodies.keep(self.header, event.clone(), since);
        }
    }

    /// The position that a fact names.
    pub(super) fn resolve(&self, entry: EntryRef) -> LogPosition {
        entry.resolve(self.header.batch)
    }

    /// The stream of a user id.
    pub(super) fn user(&self, user_id: &str) -> Result<Option<StreamId>, StoreError> {
        stream_of(self.batch, facts::fact::StreamKind::User, user_id)
    }

    /// The stream of a room id.
    pub(super) fn room(&self, room_id: &str) -> Result<Option<StreamId>, StoreError> {
        stream_of(self.batch, facts::fact::StreamKind::Room, room_id)
    }

    /// The row of a room, empty for a new one.
    pub(super) fn room_row(&self, room: StreamId) -> Result<RoomRow, StoreError> {
        Ok(room_row(self.batch, room)?.unwrap_or_default())
    }

    pub(super) fn put_room(&mut self, room: StreamId, row: &RoomRow) {
        self.batch.put(Key::new(Table::Room).u64(room.0), row.encode());
    }

    /// The room has something new at this position; `row` is stored with it.
    pub(super) fn moved(&mut self, room: StreamId, row: &mut RoomRow) {
        row.last_moved = self.position().0;
        let key = Key::new(Table::Moved).u64(self.position().0).u64(room.0);
        self.batch.put(key, []);
        self.changed(Change::Moved(room));
        self.put_room(room, row);
    }

    /// The entry adds a row to a log of changes. Said wherever such a row is put.
    pub(super) fn changed(&mut self, change: Change) {
        self.memory.changes.push((self.header.position, change));
    }

    /// There is something new for a user.
    pub(super) fn touch(&mut self, user: StreamId) {
        self.memory.touched.insert(user);
    }

    /// There is something new for all local members of a room.
    pub(super) fn touch_members(&mut self, room: StreamId) -> Result<(), StoreError> {
        let members = self.local_members(room)?;
        self.memory.touched.extend(members.iter().map(|member| member.user));
        Ok(())
    }
}
