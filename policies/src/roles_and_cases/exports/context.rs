//! What a page of evidence needs to be understood: entries that the page does not show.
//!
//! Owns which those are: the entries that name the streams; the memberships and room names that
//! were in force at the page's events and that the stretch does not show, because they stand before
//! it or are of somebody outside of the scope; the memberships with which the scope's time began
//! (`present.rs`); the deletion of a person's message by somebody else; and the facts about media
//! that the page's events name. Each goes with its way to the root.
//! Nothing else of the log is shown this way. Invariant: I10.

use std::collections::{BTreeSet, HashSet};

use facts::{LogPosition, StreamId, fact::Subject};
use projections::Snapshot;

use super::{StaffRoutes, broken, present::Present, unseen};
use crate::{
    export::{EvidenceLine, Served},
    roles_and_cases::EndpointError,
    scope_walk::ScopeFilter,
};

/// Entries of the context after which a page ends.
const ENTRIES_MAX: usize = 2_000;
/// And bytes of their parts in clear: a reason, a name or a topic may be as long as an event.
const BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The context of one page.
pub(super) struct Context<'a> {
    routes: &'a StaffRoutes,
    snapshot: Snapshot,
    /// What the stretch shows.
    pub(super) filter: &'a ScopeFilter,
    first: LogPosition,
    end: LogPosition,
    server: String,
    wanted: BTreeSet<LogPosition>,
    /// Bytes of the parts of what is wanted.
    bytes: u64,
    given: BTreeSet<LogPosition>,
    /// State that the stretch itself shows.
    shown: BTreeSet<LogPosition>,
    /// Rooms and state keys that were asked for.
    places: HashSet<(StreamId, String)>,
    media: HashSet<String>,
    present: Present,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        routes: &'a StaffRoutes,
        snapshot: Snapshot,
        filter: &'a ScopeFilter,
        (first, end): (LogPosition, LogPosition),
    ) -> Self {
        let server = routes.write_side.identity().server_name.to_string();
        Self {
            routes,
            snapshot,
            filter,
            first,
            end,
            server,
            wanted: BTreeSet::new(),
            bytes: 0,
            given: BTreeSet::new(),
            shown: BTreeSet::new(),
            places: HashSet::new(),
            media: HashSet::new(),
            present: Present::default(),
        }
    }

    /// Looks for who was in these rooms when the scope's time began, for a page that begins at `from`.
    pub(super) fn look_for_present(
        &mut self,
        rooms: &[Subject],
        from: LogPosition,
    ) -> Result<(), EndpointError> {
        let of = (&self.snapshot, self.filter);
        self.present = Present::of(self.routes, of, rooms, (self.first, self.end), from)?;
        Ok(())
    }

    /// Notes those of them that a position carries, whatever stands there.
    pub(super) fn note_present(&mut self, at: LogPosition) -> Result<(), EndpointError> {
        for position in self.present.carried_by(self.routes, at)? {
            self.want(position)?;
        }
        Ok(())
    }

    /// Whether the page has to end.
    pub(super) fn is_full(&self) -> bool {
        self.wanted.len() >= ENTRIES_MAX || self.bytes >= BYTES_MAX
    }

    fn want(&mut self, position: LogPosition) -> Result<(), EndpointError> {
        if self.wanted.insert(position) {
            let headers = self.routes.record.headers(position, 1)?;
            let parts = headers.iter().flat_map(|header| &header.parts);
            self.bytes += parts.map(|part| u64::from(part.length)).sum::<u64>();
        }
        Ok(())
    }

    /// Notes what an entry of the page needs.
    pub(super) fn note(&mut self, line: &EvidenceLine) -> Result<(), EndpointError> {
        if line.is_withheld() {
            return Ok(());
        }
        let header = &line.entry.header;
        self.want(LogPosition(header.stream.0))?;
        let mentions = line.mentions(&self.server);
        if let Some(sender) = &mentions.sender {
            let at = (header.stream, header.position);
            self.note_state(at, ("m.room.member", sender), self.filter.shows_member(sender))?;
            self.note_state(at, ("m.room.name", ""), !self.filter.is_of_persons())?;
            if self.filter.is_of_persons() {
                self.note_deletion(header.position)?;
            }
        }
        self.note_media(mentions.media)
    }

    /// State before an event. Where the stretch shows each change of it, only the first event of the
    /// page has to be asked for.
    fn note_state(
        &mut self,
        (room, event): (StreamId, LogPosition),
        (kind, key): (&str, &str),
        all_shown: bool,
    ) -> Result<(), EndpointError> {
        if all_shown && !self.places.insert((room, key.to_owned())) {
            return Ok(());
        }
        let before =
            self.snapshot.state_event_before(event, kind, key).map_err(|fault| unseen(&fault))?;
        let Some(position) = before.filter(|position| !self.shown.contains(position)) else {
            return Ok(());
        };
        if !self.wanted.contains(&position) {
            if position >= self.first && self.is_shown(position, all_shown)? {
                self.shown.insert(position);
            } else {
                self.want(position)?;
            }
        }
        Ok(())
    }

    /// Whether the stretch shows an entry of a place of which it shows every change, or not all.
    fn is_shown(&self, position: LogPosition, all_shown: bool) -> Result<bool, EndpointError> {
        let headers = self.routes.record.headers(position, 1)?;
        Ok(headers.first().is_some_and(|header| {
            let told = all_shown || self.filter.is_told_by_header(header);
            told && self.filter.admits(header)
        }))
    }

    /// By whom an event was deleted, where somebody else than its sender did it.
    fn note_deletion(&mut self, event: LogPosition) -> Result<(), EndpointError> {
        let found = self.snapshot.redaction_of(event).map_err(|fault| unseen(&fault))?;
        let Some((by, applied)) = found.filter(|(_, applied)| *applied < self.end) else {
            return Ok(());
        };
        for position in [by, applied] {
            if !self.is_shown(position, false)? {
                self.want(position)?;
            }
        }
        Ok(())
    }

    fn note_media(&mut self, ids: Vec<String>) -> Result<(), EndpointError> {
        for id in ids {
            if self.media.contains(&id) {
                continue;
            }
            let found = self.snapshot.media(&id).map_err(|fault| unseen(&fault))?;
            let stored = found.and_then(|media| media.stored_at);
            if let Some(position) = stored.filter(|position| *position < self.end) {
                self.want(position)?;
            }
            self.media.insert(id);
        }
        Ok(())
    }

    /// What the page needed so far came with the pieces before.
    pub(super) fn is_given(&mut self) {
        self.given = self.wanted.clone();
    }

    /// Writes the lines of the context that did not come before; for the word on the whole page,
    /// notes what all of them show.
    pub(super) fn write(
        &self,
        out: &mut String,
        mut served: Option<&mut Served>,
    ) -> Result<(), EndpointError> {
        for position in &self.wanted {
            let is_new = !self.given.contains(position);
            if !is_new && served.is_none() {
                continue;
            }
            let found = self.routes.record.disclose(*position, 1, &|_| true)?;
            let Some(entry) = found.into_iter().next() else { continue };
            let line = EvidenceLine { entry, proof: None };
            if let Some(served) = &mut served {
                served.note_context(&line);
            }
            if !is_new {
                continue;
            }
            let proof = self.routes.ledger.inclusion(*position, &line.digest(), self.end.0);
            let proof =
                proof.map_err(|fault| broken(&fault))?.ok_or_else(EndpointError::internal)?;
            EvidenceLine::write(&line.entry, Some(&proof), out);
        }
        Ok(())
    }
}
