//! Whether a user may see an event (client-server API, `m.room.history_visibility`).
//!
//! Owns the gathering of the rule's inputs from a snapshot; a joined member's own time in a room
//! needs no look at the event's state. Whom the user ignores is kept from them here too.

use facts::StreamId;
use projections::{
    Snapshot,
    query::{EventInfo, EventRow, Membership, StoreError, VisibilityInput},
};

use crate::ignored_users::IgnoredUsers;

/// Who looks.
pub(crate) struct Viewer<'a> {
    pub(crate) user: StreamId,
    pub(crate) user_id: &'a str,
    pub(crate) ignored: IgnoredUsers,
}

impl<'a> Viewer<'a> {
    /// The viewer as of a snapshot.
    pub(crate) fn of(
        snapshot: &Snapshot,
        user: StreamId,
        user_id: &'a str,
    ) -> Result<Self, StoreError> {
        let ignored = IgnoredUsers::of(snapshot, user, user_id)?;
        Ok(Self { user, user_id, ignored })
    }
}

/// True if `viewer` may see the event.
pub(crate) fn may_see(
    snapshot: &Snapshot,
    event: facts::LogPosition,
    row: &EventRow,
    viewer: &Viewer<'_>,
) -> Result<bool, StoreError> {
    if !row.accepted {
        return Ok(false);
    }
    if let Some(member) = snapshot.membership(viewer.user, row.room)?
        && member.membership == Membership::Join
        && row.in_step
        && row.placed >= member.since
    {
        return Ok(true);
    }
    let input = snapshot.visibility_input(event, viewer.user, viewer.user_id)?;
    Ok(visible(&input))
}

/// True if `viewer` may see the event and it is shown to them at all: what ignored users say is
/// not, and a redaction is shown to nobody before it took effect on its target (DESIGN section 5).
pub(crate) fn may_read(
    snapshot: &Snapshot,
    event: &EventInfo,
    viewer: &Viewer<'_>,
) -> Result<bool, StoreError> {
    if viewer.ignored.hides(event) {
        return Ok(false);
    }
    if event.str("type") == Some("m.room.redaction")
        && event.row.state.is_none()
        && snapshot.redaction_target(event.position)?.is_none()
    {
        return Ok(false);
    }
    may_see(snapshot, event.position, &event.row, viewer)
}

/// The rule itself. An event that changes visibility or the viewer's membership counts with the
/// more permissive of before and after.
fn visible(input: &VisibilityInput) -> bool {
    if !input.known {
        return false;
    }
    let history = |wanted: &str| {
        [&input.history_before, &input.history_after]
            .into_iter()
            .any(|history| history.as_deref().unwrap_or("shared") == wanted)
    };
    let was =
        |wanted| input.membership_before == Some(wanted) || input.membership_after == Some(wanted);
    was(Membership::Join)
        || history("world_readable")
        || (history("shared") && input.joined_since)
        || (history("invited") && was(Membership::Invite) && input.joined_since)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(history: &str, at: Option<Membership>, joined_since: bool) -> VisibilityInput {
        VisibilityInput {
            history_before: Some(history.to_owned()),
            history_after: Some(history.to_owned()),
            membership_before: at,
            membership_after: at,
            membership_now: None,
            joined_since,
            known: true,
        }
    }

    #[test]
    fn the_rule_follows_the_spec() {
        let join = Some(Membership::Join);
        let invite = Some(Membership::Invite);
        for (history, at, joined_since, expected) in [
            ("world_readable", None, false, true),
            ("shared", None, true, true),
            ("shared", None, false, false),
            ("invited", invite, true, true),
            ("invited", invite, false, false),
            ("invited", None, true, false),
            ("joined", invite, true, false),
            ("joined", join, false, true),
        ] {
            let input = input(history, at, joined_since);
            assert_eq!(visible(&input), expected, "{history} {at:?} {joined_since}");
        }
        assert!(!visible(&VisibilityInput {
            known: false,
            ..input("world_readable", None, false)
        }));
    }
}
