//! Who was in the rooms of a scope when its time began, as far as the stretch does not show it.
//!
//! Owns which entries that are, and which page carries which of them: the memberships in force just
//! before the first date, of rooms that the scope names, where it names no persons (of these, other
//! people's memberships are nobody's to see). They are spread over the first positions of the
//! stretch, so that no page grows with a room; which position carries which follows from the log
//! alone. They are context like any other: each with its way to the root. Invariants: I4, I10.

use facts::{LogPosition, fact::Subject};
use projections::Snapshot;

use super::{StaffRoutes, unseen};
use crate::{export::EvidenceLine, roles_and_cases::EndpointError, scope_walk::ScopeFilter};

/// Memberships that a position carries, unless there are more than all positions carry so.
const CARRIED: usize = 100;
/// And at most; what is beyond is not in the export (documented with the bounds).
const CARRIED_MAX: usize = 20_000;
/// Positions that carry any.
const POSITIONS: u64 = 1_000;

/// The memberships, in order of rooms and persons.
#[derive(Debug, Default)]
pub(super) struct Present {
    members: Vec<LogPosition>,
    first: u64,
    carried: usize,
}

impl Present {
    /// Those of a stretch, for a page of it that begins at `from`.
    pub(super) fn of(
        routes: &StaffRoutes,
        (snapshot, filter): (&Snapshot, &ScopeFilter),
        rooms: &[Subject],
        (first, end): (LogPosition, LogPosition),
        from: LogPosition,
    ) -> Result<Self, EndpointError> {
        let mut present = Self { members: Vec::new(), first: first.0, carried: CARRIED };
        if filter.is_of_persons() || from.0 - first.0 >= POSITIONS {
            return Ok(present);
        }
        let Some(before) = last_before(routes, filter, first)? else { return Ok(present) };
        for room in rooms.iter().filter(|room| room.stream.0 <= before.0) {
            let state =
                snapshot.state_as_of(room.stream, before).map_err(|fault| unseen(&fault))?;
            let members = state.iter().filter(|entry| entry.event_type == "m.room.member");
            present.members.extend(members.map(|entry| entry.event));
        }
        let positions = usize::try_from(POSITIONS.min(end.0 - first.0)).unwrap_or(usize::MAX);
        let needed = present.members.len().div_ceil(positions.max(1));
        present.carried = needed.clamp(CARRIED, CARRIED_MAX);
        Ok(present)
    }

    /// Those that a position carries and that are of people who were joined.
    pub(super) fn carried_by(
        &self,
        routes: &StaffRoutes,
        position: LogPosition,
    ) -> Result<Vec<LogPosition>, EndpointError> {
        let offset = usize::try_from(position.0 - self.first).unwrap_or(usize::MAX);
        let members = self.members.chunks(self.carried).nth(offset).unwrap_or_default();
        let mut joined = Vec::new();
        for member in members {
            let found = routes.record.disclose(*member, 1, &|_| true)?;
            let lines = found.into_iter().map(|entry| EvidenceLine { entry, proof: None });
            joined.extend(lines.filter(EvidenceLine::is_join).map(|_| *member));
        }
        Ok(joined)
    }
}

/// The last position before the scope's time; `None` where it has no beginning, or begins with the
/// log. The stretch has one entry before it.
fn last_before(
    routes: &StaffRoutes,
    filter: &ScopeFilter,
    first: LogPosition,
) -> Result<Option<LogPosition>, EndpointError> {
    let Some(from) = filter.from() else { return Ok(None) };
    let headers = routes.record.headers(first, 1)?;
    let is_before = headers.first().is_some_and(|header| header.recorded_at < from);
    let before = if is_before { Some(first.0) } else { first.0.checked_sub(1) };
    Ok(before.map(LogPosition))
}
