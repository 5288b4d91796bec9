//! What a page of evidence needs to be understood: entries from elsewhere in the log.
//!
//! Owns which those are: the entries that name the streams, the memberships and room names that
//! were in force before the stretch, and the facts about media that the page's events name. Each
//! goes with its way to the root. Nothing else of the log is shown this way.

use std::collections::{BTreeSet, HashSet};

use facts::{LogPosition, StreamId};
use projections::Snapshot;
use serde_json::{Map, Value};

use super::{StaffRoutes, broken, unseen};
use crate::{
    export::{EvidenceLine, Said, media_ids_of},
    roles_and_cases::EndpointError,
};

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
        match line.said() {
            Some(Said::Event(event)) => {
                let sender = event.get("sender").and_then(Value::as_str).unwrap_or_default();
                for (kind, key) in [("m.room.member", sender), ("m.room.name", "")] {
                    self.note_state(header.stream, header.position, kind, key)?;
                }
                if let Some(content) = event.get("content").and_then(Value::as_object) {
                    self.note_media(content)?;
                }
            }
            Some(Said::Profile(value)) => {
                self.note_media(&Map::from_iter([("avatar_url".to_owned(), value)]))?;
            }
            None => {}
        }
        Ok(())
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

    fn note_media(&mut self, content: &Map<String, Value>) -> Result<(), EndpointError> {
        for id in media_ids_of(content, &self.server) {
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
