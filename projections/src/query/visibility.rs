//! What deciding the visibility of an event for a user takes (client-server API, "Room history
//! visibility"). The decision itself is a rule of `decide`.

use facts::{LogPosition, StreamId};

use super::{Membership, Snapshot};
use crate::store::StoreError;

/// Inputs of the visibility rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibilityInput {
    /// `history_visibility` before the event; `None` for the default (`shared`).
    pub history_before: Option<String>,
    /// The same after the event (differs for the visibility event itself).
    pub history_after: Option<String>,
    /// The user's membership before the event.
    pub membership_before: Option<Membership>,
    /// The same after the event (differs for the user's own member event).
    pub membership_after: Option<Membership>,
    /// The user's membership now.
    pub membership_now: Option<Membership>,
    /// True if the user joined, or was joined, at the event or at any time after it.
    pub joined_since: bool,
    /// False where the state before the event is not known.
    pub known: bool,
}

impl Snapshot {
    /// Inputs for one event and user.
    pub fn visibility_input(
        &self,
        event: LogPosition,
        user: StreamId,
        user_id: &str,
    ) -> Result<VisibilityInput, StoreError> {
        let row = self.event_row(event)?;
        let history = "m.room.history_visibility";
        let before = self.state_event_before(event, history, "")?;
        let after = self.state_event_after(event, history, "")?;
        let member_before = self.state_event_before(event, "m.room.member", user_id)?;
        let member_after = self.state_event_after(event, "m.room.member", user_id)?;
        let room = row.as_ref().map(|row| row.room);
        let now = match room {
            Some(room) => self.membership(user, room)?,
            None => None,
        };
        let placed = row.as_ref().map_or(LogPosition(0), |row| row.placed);
        let joined_now = now.is_some_and(|member| member.membership == Membership::Join);
        Ok(VisibilityInput {
            history_before: self.history_of(before)?,
            history_after: self.history_of(after)?,
            membership_before: self.membership_of(member_before)?,
            membership_after: self.membership_of(member_after)?,
            membership_now: now.map(|member| member.membership),
            joined_since: joined_now
                || room
                    .map(|room| self.was_joined_after(user, room, placed))
                    .transpose()?
                    .unwrap_or(false),
            known: row.is_some_and(|row| {
                !matches!(row.kind, super::EventKind::Outlier | super::EventKind::Unplaced)
            }),
        })
    }

    fn history_of(&self, event: Option<LogPosition>) -> Result<Option<String>, StoreError> {
        let body = event.map(|event| self.event_body(event)).transpose()?.flatten();
        Ok(body.and_then(|body| body.content_str("history_visibility").map(str::to_owned)))
    }

    fn membership_of(&self, event: Option<LogPosition>) -> Result<Option<Membership>, StoreError> {
        let body = event.map(|event| self.event_body(event)).transpose()?.flatten();
        Ok(body.and_then(|body| body.content_str("membership").map(Membership::from_name)))
    }

    fn was_joined_after(
        &self,
        user: StreamId,
        room: StreamId,
        position: LogPosition,
    ) -> Result<bool, StoreError> {
        Ok(self.membership_changes(user, position)?.into_iter().any(|(of, old, new)| {
            of == room && (old == Some(Membership::Join) || new == Membership::Join)
        }))
    }
}
