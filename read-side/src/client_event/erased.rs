//! What is shown of events whose sender asked for erasure with the end of the account.
//!
//! Owns the rule of the client-server API (`POST /account/deactivate`, `erase`): who was not in the
//! room when it was said gets the redacted form. State stays as it is, for it is the room's, but
//! for the person's own memberships. Destroying the records is another thing, which an officer
//! asks for.

use projections::query::{EventInfo, Membership, StoreError};
use serde_json::{Map, Value};

use super::EventWriter;

impl EventWriter<'_> {
    /// An event as the reader may see it, without `unsigned`.
    pub(crate) fn shown_of<'e>(
        &self,
        event: &'e EventInfo,
    ) -> Result<&'e Map<String, Value>, StoreError> {
        Ok(if self.is_erased(event)? { event.body.redacted() } else { event.shown() })
    }

    /// Whether the reader gets the redacted form alone.
    pub(super) fn is_erased(&self, event: &EventInfo) -> Result<bool, StoreError> {
        let sender = event.str("sender").unwrap_or_default();
        let own = |(kind, key): &(String, String)| kind == "m.room.member" && key == sender;
        let is_of_person = event.row.state.as_ref().is_none_or(own);
        if !is_of_person || self.was_joined_all_along(event)? {
            return Ok(false);
        }
        let Some(person) = self.snapshot.user(sender)? else { return Ok(false) };
        if !self.snapshot.account(person)?.is_some_and(|account| account.erased) {
            return Ok(false);
        }
        let viewer = self.reader.viewer;
        let seen = self.snapshot.visibility_input(event.position, viewer.user, viewer.user_id)?;
        let joined = Some(Membership::Join);
        Ok(seen.membership_before != joined && seen.membership_after != joined)
    }
}
