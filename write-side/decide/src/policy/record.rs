//! A record as policies see it.
//!
//! Owns what may count in its fate: what it is, whom and what it concerns, since when its age
//! counts. Nothing that a sender can choose is here but the names.

use facts::{RecordClass, Timestamp, fact::RecordKind};

/// Whether a record is still in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It was received, and that is all: a message, a receipt, an upload.
    #[default]
    Plain,
    /// Nothing has replaced it: current state, an account in use, a message that waits for its
    /// device. No ceiling reaches it.
    Current,
    /// Replaced by a newer value, or acknowledged by its device.
    Ended {
        /// When, by received time.
        since: Timestamp,
    },
    /// The same, and when is not remembered. Its age counts from when it was received; for a hold
    /// it may have been in force until now.
    Past,
}

/// What is known of events that refer to a medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum References {
    /// Nothing: not a medium, never referred to, or only from encrypted events.
    #[default]
    Unknown,
    /// Events that can be opened refer to it; the latest was received then.
    Latest(Timestamp),
    /// Events referred to it, and the last of them was destroyed then.
    Lost(Timestamp),
}

/// What a room asks for by `m.room.retention` (MSC1763), in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomRetention {
    /// Its own ceiling.
    pub max_lifetime: Option<u64>,
    /// Its own floor.
    pub min_lifetime: Option<u64>,
}

/// A record's description.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What it is.
    pub kind: RecordKind,
    /// The room that it belongs to.
    pub room: Option<&'a str>,
    /// Whose record it is: the sender of a message or of state, the member of a membership, the
    /// uploader, the owner of an account, the recipient of a message to a device.
    pub owner: Option<&'a str>,
    /// Others whom it concerns: who invited or banned a member, who sent to a device.
    pub concerned: &'a [&'a str],
    /// The owner's key is a factor of its content: erasing the owner destroys that.
    pub personal: bool,
    /// When we received it (recorded-at); never the sender's clock.
    pub received: Timestamp,
    /// Whether it is still in use.
    pub standing: Standing,
    /// Since when it is redacted, by received time of what redacted it.
    pub redacted: Option<Timestamp>,
    /// For media: what refers to it.
    pub references: References,
    /// Rooms of events that refer to a medium and can be opened. A medium belongs to no room, and
    /// to the record of all of these.
    pub shown_in: &'a [&'a str],
    /// What its room asks for now.
    pub room_retention: RoomRetention,
}

impl<'a> Record<'a> {
    /// A record that belongs to nobody and no room; the fields are for setting.
    pub fn new(kind: RecordKind, received: Timestamp) -> Self {
        Self {
            kind,
            room: None,
            owner: None,
            concerned: &[],
            personal: false,
            received,
            standing: Standing::Plain,
            redacted: None,
            references: References::Unknown,
            shown_in: &[],
            room_retention: RoomRetention::default(),
        }
    }

    /// The room that it belongs to, and those in which it is shown.
    pub fn places(&self) -> impl Iterator<Item = &'a str> {
        self.room.into_iter().chain(self.shown_in.iter().copied())
    }

    /// Everybody whom it concerns.
    pub fn everybody(&self) -> impl Iterator<Item = &'a str> {
        self.owner.into_iter().chain(self.concerned.iter().copied())
    }

    /// From when its age counts: since it was received, replaced or last referred to.
    pub(super) fn ages_from(&self) -> Timestamp {
        let used = match (self.standing, self.references) {
            (Standing::Ended { since }, _) => since,
            (Standing::Past, _) => self.received,
            (_, References::Latest(at)) => at,
            _ => self.received,
        };
        used.max(self.received)
    }

    /// The last instant at which it was in force; `None` while it is, or may have been until now.
    pub(super) fn last_in_force(&self) -> Option<Timestamp> {
        match self.standing {
            Standing::Current | Standing::Past => None,
            _ => Some(self.ages_from()),
        }
    }
}

/// What policies call a class of parts; `None` for what no policy reaches.
pub fn kind_of_class(class: RecordClass) -> Option<RecordKind> {
    match class {
        // What was received and never placed is a message that nobody saw.
        RecordClass::MessageSkeleton | RecordClass::MessageContent | RecordClass::Unplaced => {
            Some(RecordKind::Messages)
        }
        RecordClass::StateSkeleton | RecordClass::StateContent => Some(RecordKind::State),
        RecordClass::Media => Some(RecordKind::Media),
        RecordClass::Receipt => Some(RecordKind::Receipts),
        RecordClass::ToDevice => Some(RecordKind::ToDevice),
        RecordClass::Audit => Some(RecordKind::Audit),
        RecordClass::Account
        | RecordClass::Credential
        | RecordClass::Device
        | RecordClass::AccountData
        | RecordClass::E2eeKey
        | RecordClass::KeyBackup
        | RecordClass::InviteState => Some(RecordKind::Account),
        RecordClass::Control | RecordClass::Name | RecordClass::Governance | RecordClass::Peer => {
            None
        }
    }
}
