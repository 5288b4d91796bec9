//! From an entry of the log to the record that policies judge.
//!
//! Owns the one builder that dry runs, explanations and executions share. What an event, a medium
//! or a receipt is, and what happened to it later, is the client view's description, the same that
//! hides ([`projections::query::RecordDescription`]); what is left of it is told by the entry.
//! Keeps no truth. Entries that only order others (placements, marks of redaction, the directory)
//! are no records: they hold positions, and go with what they order.

mod superseded;

use std::collections::HashMap;

use commands::WriteSide;
use decide::{
    pdu::stub_of,
    policy::{Extent, Standing, kind_of_class, takes},
};
use event_log::{Entry, ReadFault};
use facts::{
    EntryHeader, Fact, LogPosition, RecordClass, StreamId,
    fact::{MediaStored, PduStored, PduStub, ReceiptSet, RecordKind, ToDeviceQueued},
};
use projections::{
    Snapshot,
    query::{RecordDescription, StoreError},
};
use ruma::RoomId;

use self::superseded::Superseded;

/// What an entry is to policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Described {
    /// A record.
    Record(Box<DescribedRecord>),
    /// Nothing that policies speak of, or nothing is left of it.
    NoRecord,
    /// The view does not know it yet: it is kept.
    Unjudged(RecordKind),
}

/// A record with its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedRecord {
    /// Its entry.
    pub position: LogPosition,
    /// What policies see.
    pub record: RecordDescription,
    /// Something of it can still be read that a destruction of its content would take.
    pub left: bool,
    /// What will stand for the skeleton of a message; `None` where the skeleton stays, whatever
    /// becomes of the rest, and where there is none.
    pub stub: Option<PduStub>,
    /// Name of the blob, for a medium.
    pub blob: Option<String>,
    /// Views or folds hold a copy of its text, or held one that was replaced.
    pub copied: bool,
}

impl DescribedRecord {
    /// A record of which the view knows nothing.
    pub(crate) fn unknown(position: LogPosition, record: RecordDescription) -> Self {
        Self { position, record, left: true, stub: None, blob: None, copied: false }
    }

    /// Whether destroying this much of it would take anything.
    pub fn is_left(&self, extent: Extent) -> bool {
        self.left || (extent == Extent::Whole && self.stub.is_some())
    }
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
    /// A person's fold could not be read.
    #[error("what a person has replaced cannot be looked up: {0}")]
    Fold(String),
    /// An entry does not have its shape.
    #[error("the entry at {0} does not have its shape: {1}")]
    Shape(LogPosition, String),
}

/// What policies call an entry, by its header; `None` for what is no record.
pub fn kind_of(header: &EntryHeader) -> Option<RecordKind> {
    header.parts.first().and_then(|part| kind_of_class(part.class))
}

/// Whether views or folds copy what a person wrote out of a fact, also while the account goes on:
/// what replaces it leaves the old value in their files until they are merged. Other facts are
/// read by position. An erasure is followed by a merging in any case.
fn is_copied(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::ProfileFieldSet(_)
            | Fact::DeviceAdded(_)
            | Fact::DeviceRenamed(_)
            | Fact::DeviceKeysSet(_)
    )
}

/// Whether an entry may be a record, by its header.
pub fn may_be_record(header: &EntryHeader) -> bool {
    kind_of(header).is_some()
}

/// The builder, for one page of a walk: what it looked up is kept until it is dropped.
pub struct Describer<'a> {
    view: &'a Snapshot,
    names: HashMap<StreamId, Option<String>>,
    superseded: Superseded<'a>,
}

impl<'a> Describer<'a> {
    /// Over one instant of the view. Must be used where blocking is allowed, within a runtime.
    pub fn new(view: &'a Snapshot, write_side: &'a WriteSide) -> Self {
        Self { view, names: HashMap::new(), superseded: Superseded::new(write_side) }
    }

    /// What an opened entry is. Blocks on disk.
    pub fn describe(&mut self, entry: &Entry) -> Result<Described, DescribeFault> {
        let header = &entry.header;
        let Some(kind) = kind_of(header) else { return Ok(Described::NoRecord) };
        let fact = entry
            .fact()
            .map_err(|error| DescribeFault::Shape(header.position, error.to_string()))?;
        let Some(fact) = fact else { return Ok(Described::NoRecord) };
        let (mut blob, mut stub) = (None, None);
        let copied = is_copied(&fact);
        let record = match fact {
            // Of a stub there is nothing to destroy.
            Fact::PduPlaced(_)
            | Fact::PduRedacted(_)
            | Fact::PduStub(_)
            | Fact::MessagesStubbed(_)
            | Fact::RoomPublished(_) => return Ok(Described::NoRecord),
            Fact::PduStored(stored) => match self.view.describe_event(header.position)? {
                Some(event) => {
                    stub = self.stub(header.position, &stored, &event)?;
                    RecordDescription { kind, ..event }
                }
                None => return Ok(Described::Unjudged(kind)),
            },
            Fact::ReceiptSet(set) => self.receipt(header, set)?,
            Fact::MediaStored(stored) => {
                let described = self.medium(header, &stored)?;
                blob = Some(stored.blob);
                described
            }
            Fact::ToDeviceQueued(message) => self.message_to_device(header, message)?,
            Fact::AliasSet(_) | Fact::AliasRemoved(_) => RecordDescription {
                standing: Standing::Current,
                ..RecordDescription::of(kind, header.recorded_at)
            },
            _ => self.own(header, kind)?,
        };
        let left =
            entry.header.parts.iter().zip(&entry.parts).any(|(part, content)| {
                takes(part.class, Extent::Content) && content.clear().is_some()
            });
        let position = header.position;
        let described = DescribedRecord { position, record, left, stub, blob, copied };
        Ok(Described::Record(Box::new(described)))
    }

    /// What can stand for a message: the graph must be done with it.
    fn stub(
        &self,
        position: LogPosition,
        stored: &PduStored,
        event: &RecordDescription,
    ) -> Result<Option<PduStub>, DescribeFault> {
        let room = event.room.as_deref().and_then(|room| RoomId::parse(room).ok());
        let Some(room) = room.filter(|_| !stored.is_state) else { return Ok(None) };
        let settled = self.view.is_settled_message(position)?;
        Ok(stub_of(&room, position, stored).filter(|_| settled))
    }

    fn receipt(
        &mut self,
        header: &EntryHeader,
        set: ReceiptSet,
    ) -> Result<RecordDescription, DescribeFault> {
        Ok(RecordDescription {
            room: Some(set.room),
            owner: self.name(header.stream)?,
            personal: true,
            ..RecordDescription::of(RecordKind::Receipts, header.recorded_at)
        })
    }

    fn medium(
        &mut self,
        header: &EntryHeader,
        stored: &MediaStored,
    ) -> Result<RecordDescription, DescribeFault> {
        Ok(self.view.describe_media(&stored.media_id, header.stream, header.recorded_at)?)
    }

    /// A message to a device is the recipient's; the stream is named by user and device.
    fn message_to_device(
        &mut self,
        header: &EntryHeader,
        message: ToDeviceQueued,
    ) -> Result<RecordDescription, DescribeFault> {
        let inbox = self.name(header.stream)?;
        let owner = inbox.and_then(|name| Some(name.split_once(' ')?.0.to_owned()));
        let waits = self.view.waits_in_inbox(header.stream, header.position)?;
        Ok(RecordDescription {
            owner,
            concerned: vec![message.sender],
            personal: true,
            // When it was acknowledged is not remembered.
            standing: if waits { Standing::Current } else { Standing::Past },
            ..RecordDescription::of(RecordKind::ToDevice, header.recorded_at)
        })
    }

    /// What a person said to the server alone, or the server of a person.
    fn own(
        &mut self,
        header: &EntryHeader,
        kind: RecordKind,
    ) -> Result<RecordDescription, DescribeFault> {
        if kind == RecordKind::Audit {
            let owner = self.name(header.actor)?;
            return Ok(RecordDescription {
                owner,
                ..RecordDescription::of(kind, header.recorded_at)
            });
        }
        let personal = header.parts.iter().any(|part| part.person_tree.is_some());
        let owner = if personal { self.name(header.stream)? } else { None };
        let replaceable = header.parts.first().is_some_and(|part| {
            use RecordClass::{Account, AccountData, Credential, Device};
            matches!(part.class, Account | AccountData | Credential | Device)
        });
        let replaced = match &owner {
            Some(owner) if replaceable => self.superseded.contains(owner, header.position)?,
            _ => false,
        };
        let standing = match (kind, replaced) {
            // When it was replaced is not remembered.
            (_, true) => Standing::Past,
            // A reserved media id.
            (RecordKind::Media, _) => Standing::Plain,
            _ => Standing::Current,
        };
        Ok(RecordDescription {
            owner,
            personal,
            standing,
            ..RecordDescription::of(kind, header.recorded_at)
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
}
