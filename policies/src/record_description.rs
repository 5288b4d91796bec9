//! From an entry of the log to the record that policies judge.
//!
//! Owns the one builder that dry runs, explanations and executions share. What is in the entry is
//! read from the entry; what happened to it later (redacted, replaced) is asked of the client view,
//! the same that hides. A view that lags says less, and a record of which less is known is kept
//! longer. Keeps no truth. Entries that only order others (placements, marks of redaction, the
//! directory) are no records: they hold positions, and go with what they order.

use std::collections::HashMap;

use decide::policy::{self, References, RoomRetention, Standing, kind_of_class};
use event_log::{Entry, ReadFault};
use facts::{
    EntryHeader, Fact, LogPosition, StreamId, Timestamp, TreeId,
    fact::{PduStored, ReceiptSet, RecordKind},
};
use projections::{
    Snapshot,
    query::{StateUse, StoreError},
};
use serde::Deserialize;

use crate::scope_walk::Record;

const MEMBER: &str = "m.room.member";
const RETENTION: &str = "m.room.retention";

/// What an entry is to policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Described {
    /// A record.
    Record(RecordDescription),
    /// Nothing that policies speak of, or nothing is left of it.
    NoRecord,
    /// A record of a kind whose use cannot be told yet: it is kept.
    Unjudged(RecordKind),
}

/// A record's description, with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDescription {
    /// Its entry.
    pub position: LogPosition,
    /// What it is.
    pub kind: RecordKind,
    /// Its room.
    pub room: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Others whom it concerns.
    pub concerned: Vec<String>,
    /// The owner's key is a factor of its content.
    pub personal: bool,
    /// When we received it.
    pub received: Timestamp,
    /// Whether it is in use.
    pub standing: Standing,
    /// Since when it is redacted.
    pub redacted: Option<Timestamp>,
    /// What its room asks for.
    pub room_retention: RoomRetention,
    /// It has content apart from its redacted form, and the keys of that live.
    pub has_content: bool,
}

/// Why an entry cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum DescribeFault {
    /// The view failed.
    #[error("the client view cannot be read")]
    View(#[from] StoreError),
    /// The log failed.
    #[error("the log cannot be read")]
    Log(#[from] ReadFault),
    /// An entry does not have its shape.
    #[error("the entry at {0} does not have its shape: {1}")]
    Shape(LogPosition, String),
}

impl RecordDescription {
    /// Asks something of the record as policies see it.
    pub fn ask<T>(&self, ask: impl FnOnce(&policy::Record<'_>) -> T) -> T {
        let concerned: Vec<&str> = self.concerned.iter().map(String::as_str).collect();
        ask(&policy::Record {
            kind: self.kind,
            room: self.room.as_deref(),
            owner: self.owner.as_deref(),
            concerned: &concerned,
            personal: self.personal,
            received: self.received,
            standing: self.standing,
            redacted: self.redacted,
            references: References::Unknown,
            room_retention: self.room_retention,
        })
    }

    fn of(header: &EntryHeader, kind: RecordKind) -> Self {
        Self {
            position: header.position,
            kind,
            room: None,
            owner: None,
            concerned: Vec::new(),
            personal: false,
            received: header.recorded_at,
            standing: Standing::Plain,
            redacted: None,
            room_retention: RoomRetention::default(),
            has_content: false,
        }
    }
}

/// Whether an entry may be a record, by its header.
pub fn may_be_record(header: &EntryHeader) -> bool {
    header.parts.first().is_some_and(|part| kind_of_class(part.class).is_some())
}

/// The builder, for one page of a walk: what it looked up is kept until it is dropped.
pub struct Describer<'a> {
    view: &'a Snapshot,
    record: &'a dyn Record,
    names: HashMap<StreamId, Option<String>>,
    wishes: HashMap<StreamId, RoomRetention>,
}

impl<'a> Describer<'a> {
    /// Over one instant of the view, and the log.
    pub fn new(view: &'a Snapshot, record: &'a dyn Record) -> Self {
        Self { view, record, names: HashMap::new(), wishes: HashMap::new() }
    }

    /// What an opened entry is. Blocks on disk.
    pub fn describe(&mut self, entry: &Entry) -> Result<Described, DescribeFault> {
        let header = &entry.header;
        let class = header.parts.first().and_then(|part| kind_of_class(part.class));
        let Some(kind) = class else { return Ok(Described::NoRecord) };
        let fact = entry
            .fact()
            .map_err(|error| DescribeFault::Shape(header.position, error.to_string()))?;
        Ok(match fact {
            None | Some(Fact::PduPlaced(_) | Fact::PduRedacted(_) | Fact::RoomPublished(_)) => {
                Described::NoRecord
            }
            Some(Fact::PduStored(stored)) => Described::Record(self.event(header, kind, &stored)?),
            Some(Fact::ReceiptSet(set)) => Described::Record(self.receipt(header, kind, set)?),
            Some(_) if kind == RecordKind::Audit => {
                let owner = self.name(header.actor)?;
                Described::Record(RecordDescription {
                    owner,
                    ..RecordDescription::of(header, kind)
                })
            }
            Some(_) => Described::Unjudged(kind),
        })
    }

    fn event(
        &mut self,
        header: &EntryHeader,
        kind: RecordKind,
        stored: &PduStored,
    ) -> Result<RecordDescription, DescribeFault> {
        #[derive(Deserialize)]
        struct Shape {
            #[serde(rename = "type")]
            event_type: String,
            sender: String,
            state_key: Option<String>,
        }
        let shape: Shape = serde_json::from_slice(&stored.redacted)
            .map_err(|error| DescribeFault::Shape(header.position, error.to_string()))?;
        let mut described = RecordDescription::of(header, kind);
        described.room = self.name(header.stream)?;
        described.personal =
            header.parts.get(1).is_some_and(|part| part.person_tree != TreeId::NONE);
        described.has_content = stored.content.is_some();
        if let Some(by) = self.view.redacted_by(header.position)? {
            described.redacted = self.recorded_at(by)?;
        }
        match &shape.state_key {
            Some(key) => {
                let (room, event) = (header.stream, header.position);
                described.standing =
                    match self.view.state_use(room, &shape.event_type, key, event)? {
                        StateUse::InForce => Standing::Current,
                        StateUse::Never => Standing::Plain,
                        StateUse::Ended(at) => self
                            .recorded_at(at)?
                            .map_or(Standing::Current, |since| Standing::Ended { since }),
                    };
            }
            None => described.room_retention = self.wishes_of(header.stream)?,
        }
        // The record of a membership is the member's, whoever made it.
        match shape.state_key {
            Some(member) if shape.event_type == MEMBER => {
                if member != shape.sender {
                    described.concerned.push(shape.sender);
                }
                described.owner = Some(member);
            }
            _ => described.owner = Some(shape.sender),
        }
        Ok(described)
    }

    fn receipt(
        &mut self,
        header: &EntryHeader,
        kind: RecordKind,
        set: ReceiptSet,
    ) -> Result<RecordDescription, DescribeFault> {
        let owner = self.name(header.stream)?;
        Ok(RecordDescription {
            room: Some(set.room),
            owner,
            personal: true,
            ..RecordDescription::of(header, kind)
        })
    }

    fn name(&mut self, stream: StreamId) -> Result<Option<String>, DescribeFault> {
        if let Some(name) = self.names.get(&stream) {
            return Ok(name.clone());
        }
        let name = self.view.name(stream)?;
        self.names.insert(stream, name.clone());
        Ok(name)
    }

    /// What a room asks for by its current state; a redacted wish is none.
    fn wishes_of(&mut self, room: StreamId) -> Result<RoomRetention, DescribeFault> {
        if let Some(wishes) = self.wishes.get(&room) {
            return Ok(*wishes);
        }
        let mut wishes = RoomRetention::default();
        if let Some(at) = self.view.state_event(room, RETENTION, "")?
            && let Some(event) = self.view.event_at(at)?
            && let Some(content) = event.content()
        {
            let wish = |key: &str| content.get(key).and_then(serde_json::Value::as_u64);
            wishes.max_lifetime = wish("max_lifetime");
            wishes.min_lifetime = wish("min_lifetime");
        }
        self.wishes.insert(room, wishes);
        Ok(wishes)
    }

    fn recorded_at(&self, position: LogPosition) -> Result<Option<Timestamp>, DescribeFault> {
        Ok(self.record.headers(position, 1)?.first().map(|header| header.recorded_at))
    }
}
