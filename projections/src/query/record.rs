//! Records as policies see them, as far as the view knows what became of them.
//!
//! Owns the one description that hiding, dry runs, explanations and executions share. A view that
//! lags says less, and a record of which less is known is kept longer. Never decides.

use decide::policy::{self, References, RoomRetention, Standing};
use facts::{
    Fact, LogPosition, StreamId, Timestamp,
    fact::{ProfileFieldSet, RecordKind},
};
use serde_json::Value;

use super::{EventRow, Snapshot, StateUse};
use crate::{
    bodies::EventBody,
    client_view::table::Table,
    store::{Key, KeyReader, Order, Rows, StoreError},
};

/// References to a medium that are looked at; one with more is taken to be in use.
const REFERENCES_MAX: usize = 1_000;
const MEMBER: &str = "m.room.member";
const RETENTION: &str = "m.room.retention";

/// A record's description, with its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDescription {
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
    /// What refers to it.
    pub references: References,
    /// Rooms in which a medium is shown.
    pub shown_in: Vec<String>,
    /// What its room asks for.
    pub room_retention: RoomRetention,
}

impl RecordDescription {
    /// A record that belongs to nobody and no room; the fields are for setting.
    pub fn of(kind: RecordKind, received: Timestamp) -> Self {
        Self {
            kind,
            room: None,
            owner: None,
            concerned: Vec::new(),
            personal: false,
            received,
            standing: Standing::Plain,
            redacted: None,
            references: References::Unknown,
            shown_in: Vec::new(),
            room_retention: RoomRetention::default(),
        }
    }

    /// Asks something of the record as policies see it.
    pub fn ask<T>(&self, ask: impl FnOnce(&policy::Record<'_>) -> T) -> T {
        let concerned: Vec<&str> = self.concerned.iter().map(String::as_str).collect();
        let shown_in: Vec<&str> = self.shown_in.iter().map(String::as_str).collect();
        ask(&policy::Record {
            shown_in: &shown_in,
            kind: self.kind,
            room: self.room.as_deref(),
            owner: self.owner.as_deref(),
            concerned: &concerned,
            personal: self.personal,
            received: self.received,
            standing: self.standing,
            redacted: self.redacted,
            references: self.references,
            room_retention: self.room_retention,
        })
    }
}

impl Snapshot {
    /// The event stored at a position; `None` where the view does not have it yet.
    pub fn describe_event(
        &self,
        event: LogPosition,
    ) -> Result<Option<RecordDescription>, StoreError> {
        let (Some(row), Some(body)) = (self.event_row(event)?, self.event_body(event)?) else {
            return Ok(None);
        };
        let redacted_by = self.redacted_by(event)?;
        self.describe_event_row(event, &row, &body, redacted_by).map(Some)
    }

    pub(super) fn describe_event_row(
        &self,
        event: LogPosition,
        row: &EventRow,
        body: &EventBody,
        redacted_by: Option<LogPosition>,
    ) -> Result<RecordDescription, StoreError> {
        let kind = if row.state.is_some() { RecordKind::State } else { RecordKind::Messages };
        let mut described = RecordDescription::of(kind, body.recorded_at);
        described.room = self.name(row.room)?;
        let sender = body.str("sender").unwrap_or_default().to_owned();
        if let Some(by) = redacted_by {
            described.redacted = self.event_body(by)?.map(|by| by.recorded_at);
        }
        match &row.state {
            // The record of a membership is the member's, whoever made it.
            Some((event_type, member)) if event_type == MEMBER => {
                if *member != sender {
                    described.concerned.push(sender);
                }
                described.owner = Some(member.clone());
                described.personal = true;
                described.standing = self.state_standing(event, row.room, event_type, member)?;
            }
            Some((event_type, state_key)) => {
                described.owner = Some(sender);
                described.standing = self.state_standing(event, row.room, event_type, state_key)?;
            }
            None => {
                described.owner = Some(sender);
                described.personal = true;
                described.room_retention = self.wishes_of(row.room)?;
            }
        }
        Ok(described)
    }

    fn state_standing(
        &self,
        event: LogPosition,
        room: StreamId,
        event_type: &str,
        state_key: &str,
    ) -> Result<Standing, StoreError> {
        Ok(match self.state_use(room, event_type, state_key, event)? {
            StateUse::InForce => Standing::Current,
            StateUse::Never => Standing::Plain,
            // Without the time of the change it is taken for current.
            StateUse::Ended(at) => self
                .body(at)?
                .map_or(Standing::Current, |change| Standing::Ended { since: change.recorded_at }),
        })
    }

    /// What a room asks for by its current state; a redacted wish is none.
    pub fn wishes_of(&self, room: StreamId) -> Result<RoomRetention, StoreError> {
        let mut wishes = RoomRetention::default();
        let Some(at) = self.state_event(room, RETENTION, "")? else { return Ok(wishes) };
        let Some(body) = self.event_body(at)? else { return Ok(wishes) };
        if self.redacted_by(at)?.is_some() {
            return Ok(wishes);
        }
        let wish = |key: &str| body.full().get("content")?.get(key).and_then(Value::as_u64);
        wishes.max_lifetime = wish("max_lifetime");
        wishes.min_lifetime = wish("min_lifetime");
        Ok(wishes)
    }

    /// A medium of this server, by when its content was received.
    pub fn describe_media(
        &self,
        media_id: &str,
        uploader: StreamId,
        received: Timestamp,
    ) -> Result<RecordDescription, StoreError> {
        let owner = self.name(uploader)?;
        let mut described = RecordDescription::of(RecordKind::Media, received);
        (described.owner, described.personal) = (owner, true);
        self.media_use(media_id, &mut described)?;
        Ok(described)
    }

    /// What refers to a medium: the latest reference that can be opened, or the last of those that
    /// are destroyed; in which rooms, and by whom, it is shown. What current state or a profile
    /// shows is in use.
    fn media_use(
        &self,
        media_id: &str,
        described: &mut RecordDescription,
    ) -> Result<(), StoreError> {
        let prefix = Key::new(Table::MediaReference).str(media_id);
        let (mut latest, mut lost) = (None, None);
        let mut in_use = false;
        for (seen, row) in self.rows.prefix(&prefix, Order::Backward).enumerate() {
            if seen >= REFERENCES_MAX {
                in_use = true;
                break;
            }
            let position = LogPosition(KeyReader::after(&row?.0, &prefix).u64()?);
            match self.reference(position, described)? {
                Reference::Current => in_use = true,
                Reference::Live(at) => latest = latest.max(Some(at)),
                Reference::Gone(at) => lost = lost.max(Some(at)),
                Reference::Past => {}
            }
        }
        (described.references, described.standing) = match (in_use, latest, lost) {
            (true, _, _) => (References::Unknown, Standing::Current),
            (false, Some(at), _) => (References::Latest(at), Standing::Plain),
            (false, None, Some(at)) => (References::Lost(at), Standing::Plain),
            (false, None, None) => (References::Unknown, Standing::Plain),
        };
        Ok(())
    }

    /// What an entry that referred to a medium is to it. Rooms and senders of events that still
    /// do are added to the description: the medium belongs to their record.
    fn reference(
        &self,
        position: LogPosition,
        described: &mut RecordDescription,
    ) -> Result<Reference, StoreError> {
        if let Some(row) = self.event_row(position)? {
            let Some(body) = self.event_body(position)? else {
                return Ok(match self.body(position)? {
                    // A message of which only a stub is left.
                    Some(body) => Reference::Gone(body.recorded_at),
                    None => Reference::Past,
                });
            };
            if body.destroyed {
                return Ok(Reference::Gone(body.recorded_at));
            }
            let sender = body.str("sender").map(str::to_owned);
            add(&mut described.shown_in, self.name(row.room)?);
            add(
                &mut described.concerned,
                sender.filter(|sender| described.owner.as_ref() != Some(sender)),
            );
            let in_force = match &row.state {
                Some((event_type, state_key)) => {
                    self.state_event(row.room, event_type, state_key)? == Some(position)
                }
                None => false,
            };
            let live = Reference::Live(body.recorded_at);
            return Ok(if in_force { Reference::Current } else { live });
        }
        let Some(body) = self.body(position)? else { return Ok(Reference::Past) };
        let Fact::ProfileFieldSet(ProfileFieldSet { field, .. }) = &body.fact else {
            return Ok(Reference::Past);
        };
        let key = Key::new(Table::Profile).u64(body.stream.0).str(field);
        let in_force = self.rows.get_u64(&key)? == Some(position.0);
        Ok(if in_force { Reference::Current } else { Reference::Past })
    }
}

/// Adds what is not there yet.
fn add(names: &mut Vec<String>, name: Option<String>) {
    names.extend(name.filter(|name| !names.contains(name)));
}

enum Reference {
    /// Current state, or a profile as it is.
    Current,
    /// An event that can be opened, received then.
    Live(Timestamp),
    /// An event whose content is destroyed, received then.
    Gone(Timestamp),
    /// A profile as it was: it keeps nothing, and ends nothing.
    Past,
}
