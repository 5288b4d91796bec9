//! What a page of evidence needs to be understood: entries from elsewhere in the log.
//!
//! Owns which those are: the entries that name the streams, the memberships and room names that
//! were in force before the stretch, and the facts about media that the page's events name. Each
//! goes with its way to the root. Nothing else of the log is shown this way.

use std::collections::{BTreeSet, HashSet};

use facts::{LogPosition, StreamId};
use projections::Snapshot;

use super::{StaffRoutes, broken, unseen};
use crate::{export::EvidenceLine, roles_and_cases::EndpointError};

/// The context of one page.
pub(super) struct Context<'a> {
    routes: &'a StaffRoutes,
    snapshot: Snapshot,
    first: LogPosition,
    end: LogPosition,
    server: String,
    wanted: BTreeSet<LogPosition>,
    members: HashSet<(StreamId, String)>,
    media: HashSet<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        routes: &'a StaffRoutes,
        snapshot: Snapshot,
        first: LogPosition,
        end: LogPosition,
    ) -> Self {
        let server = routes.write_side.identity().server_name.to_string();
        Self {
            routes,
            snapshot,
            first,
            end,
            server,
            wanted: BTreeSet::new(),
            members: HashSet::new(),
            media: HashSet::new(),
        }
    }

    /// Notes what an entry of the page needs.
    pub(super) fn note(&mut self, line: &EvidenceLine) -> Result<(), EndpointError> {
        if line.is_withheld() {
            return Ok(());
        }
        let header = &line.entry.header;
        self.wanted.insert(LogPosition(header.stream.0));
        let mentions = line.mentions(&self.server);
        if let Some(sender) = &mentions.sender {
            for (kind, key) in [("m.room.member", sender.as_str()), ("m.room.name", "")] {
                self.note_state(header.stream, header.position, kind, key)?;
            }
        }
        self.note_media(mentions.media)
    }

    /// State before the first event of the page; later changes stand in the stretch.
    fn note_state(
        &mut self,
        room: StreamId,
        event: LogPosition,
        kind: &str,
        key: &str,
    ) -> Result<(), EndpointError> {
        if !self.members.insert((room, key.to_owned())) {
            return Ok(());
        }
        let before =
            self.snapshot.state_event_before(event, kind, key).map_err(|fault| unseen(&fault))?;
        self.wanted.extend(before.filter(|position| *position < self.first));
        Ok(())
    }

    fn note_media(&mut self, ids: Vec<String>) -> Result<(), EndpointError> {
        for id in ids {
            if self.media.contains(&id) {
                continue;
            }
            let found = self.snapshot.media(&id).map_err(|fault| unseen(&fault))?;
            let stored = found.and_then(|media| media.stored_at);
            self.wanted.extend(stored.filter(|position| *position < self.end));
            self.media.insert(id);
        }
        Ok(())
    }

    /// Writes the lines of the context.
    pub(super) fn write(&self, out: &mut String) -> Result<(), EndpointError> {
        for position in &self.wanted {
            let found = self.routes.record.disclose(*position, 1, &|_| true)?;
            let Some(entry) = found.into_iter().next() else { continue };
            let line = EvidenceLine { entry, proof: None };
            let proof = self.routes.ledger.inclusion(*position, &line.digest(), self.end.0);
            let proof =
                proof.map_err(|fault| broken(&fault))?.ok_or_else(EndpointError::internal)?;
            EvidenceLine::write(&line.entry, Some(&proof), out);
        }
        Ok(())
    }
}
