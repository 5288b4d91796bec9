//! What policies hide from clients.
//!
//! Owns the question whether a record is still shown, asked of the very function that decides what
//! is destroyed, about the very description that a run judges: the two cannot disagree. A snapshot
//! without rules shows everything; destroying runs and cases read such ones.

use std::sync::Arc;

use decide::policy::{self, Extent, InForce};
use facts::{LogPosition, StreamId, Timestamp, fact::RecordKind};

use super::{EventRow, Snapshot, record::RecordDescription};
use crate::{bodies::EventBody, store::StoreError};

/// Rules, and the instant at which they are asked.
#[derive(Clone, Debug)]
pub struct Keeping {
    /// Policies, holds and erasures.
    pub in_force: Arc<InForce>,
    /// Now.
    pub now: Timestamp,
}

impl Keeping {
    fn hidden(&self, record: &RecordDescription) -> Option<Extent> {
        let rules = self.in_force.rules();
        record.ask(|asked| policy::fate(asked, &rules, self.now)).hidden()
    }
}

impl Snapshot {
    /// The same snapshot, which hides what these rules hide.
    #[must_use]
    pub fn with_keeping(self, keeping: Keeping) -> Self {
        Self { keeping: Some(keeping), ..self }
    }

    /// Whether anything of this kind may be hidden.
    pub fn may_hide(&self, kind: RecordKind) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| keeping.in_force.may_hide(kind))
    }

    /// How much of an event is hidden.
    pub(super) fn hidden_event(
        &self,
        event: LogPosition,
        row: &EventRow,
        body: &EventBody,
        redacted_by: Option<LogPosition>,
    ) -> Result<Option<Extent>, StoreError> {
        let kind = if row.state.is_some() { RecordKind::State } else { RecordKind::Messages };
        match &self.keeping {
            Some(keeping) if keeping.in_force.may_hide(kind) => {
                let record = self.describe_event_row(event, row, body, redacted_by)?;
                Ok(keeping.hidden(&record))
            }
            _ => Ok(None),
        }
    }

    /// Whether a medium is hidden.
    pub(super) fn is_media_hidden(
        &self,
        media_id: &str,
        uploader: StreamId,
        received: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(keeping) = &self.keeping else { return Ok(false) };
        if !keeping.in_force.may_hide(RecordKind::Media) {
            return Ok(false);
        }
        let record = self.describe_media(media_id, uploader, received)?;
        Ok(keeping.hidden(&record).is_some())
    }

    /// Whether a receipt is hidden.
    pub(super) fn is_receipt_hidden(
        &self,
        user: StreamId,
        room: StreamId,
        position: LogPosition,
    ) -> Result<bool, StoreError> {
        let Some(keeping) = &self.keeping else { return Ok(false) };
        if !keeping.in_force.may_hide(RecordKind::Receipts) {
            return Ok(false);
        }
        // Without its keys it is gone for everybody.
        let Some(body) = self.body(position)? else { return Ok(true) };
        let record = RecordDescription {
            room: self.name(room)?,
            owner: self.name(user)?,
            personal: true,
            ..RecordDescription::of(RecordKind::Receipts, body.recorded_at)
        };
        Ok(keeping.hidden(&record).is_some())
    }

    /// Whether what a person said of himself is hidden, set at a position.
    pub(super) fn is_profile_hidden(
        &self,
        user: StreamId,
        recorded_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(keeping) = &self.keeping else { return Ok(false) };
        if !keeping.in_force.may_hide(RecordKind::Account) {
            return Ok(false);
        }
        let record = RecordDescription {
            owner: self.name(user)?,
            personal: true,
            standing: policy::Standing::Current,
            ..RecordDescription::of(RecordKind::Account, recorded_at)
        };
        Ok(keeping.hidden(&record).is_some())
    }
}
