//! Aggregations of child events, bundled with their parent (client-server API, "Aggregations of
//! child events").
//!
//! Owns which children count: those that the reader may read, that nobody redacted, that no
//! ignored user sent, and whose content, neither destroyed nor hidden, still says that they relate.
//! Edits count only as the section "Validity of replacement events" has it. State events, edits and annotations carry no bundle. Bounded: each kind looks at the newest
//! [`EDITS_MAX`], [`REFERENCES_MAX`] or [`REPLIES_MAX`] children.

use facts::{LogPosition, fact::RecordKind};
use projections::query::{
    Direction, EventInfo, Membership, PageItem, RelationFilter, RelationPage, StoreError,
};
use serde_json::{Map, Value, json};

use super::EventWriter;
use crate::visibility::{may_read, may_see};

/// Edits of one event that are looked at.
const EDITS_MAX: usize = 1_000;
/// References to one event that are told.
const REFERENCES_MAX: usize = 1_000;
/// Replies of one thread that are counted.
const REPLIES_MAX: usize = 20_000;

/// Which of an event's aggregations are bundled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bundle {
    edit: bool,
    references: bool,
    thread: bool,
}

impl Bundle {
    pub(super) const NOTHING: Self = Self { edit: false, references: false, thread: false };
    pub(super) const WHOLE: Self = Self { edit: true, references: true, thread: true };
    /// For the last event of a thread: threads do not nest, whatever their events relate to.
    const LAST_OF_THREAD: Self = Self { thread: false, ..Self::WHOLE };

    /// For an event that the reader sees in redacted form.
    pub(super) fn without_edit(self) -> Self {
        Self { edit: false, ..self }
    }
}

impl EventWriter<'_> {
    /// `m.relations` of an event; `None` where there is nothing to bundle.
    pub(super) fn bundle(
        &self,
        event: &EventInfo,
        bundle: Bundle,
    ) -> Result<Option<Map<String, Value>>, StoreError> {
        let own = rel_type(event);
        if bundle == Bundle::NOTHING
            || event.row.state.is_some()
            || matches!(own, Some("m.replace" | "m.annotation"))
        {
            return Ok(None);
        }
        let mut parts = Map::new();
        // What was redacted stays so, whatever was edited before or after.
        if bundle.edit
            && event.redacted_by.is_none()
            && let Some(edit) = self.newest_edit(event)?
        {
            parts.insert("m.replace".to_owned(), edit);
        }
        if bundle.references
            && let Some(references) = self.references(event)?
        {
            parts.insert("m.reference".to_owned(), references);
        }
        // A thread hangs from an event that itself relates to nothing.
        if bundle.thread
            && own.is_none()
            && let Some(thread) = self.thread_summary(event)?
        {
            parts.insert("m.thread".to_owned(), thread);
        }
        Ok((!parts.is_empty()).then_some(parts))
    }

    /// The most recent valid edit by time, and of the same time by id.
    fn newest_edit(&self, event: &EventInfo) -> Result<Option<Value>, StoreError> {
        let mut edits = Vec::new();
        let of_type = RelationFilter { rel_type: Some("m.replace"), event_type: event.str("type") };
        for position in self.children(event, of_type, EDITS_MAX)? {
            if let Some(edit) = self.snapshot.event_at(position)?
                && is_edit_of(&edit, event)
            {
                edits.push(edit);
            }
        }
        edits.sort_by(|a, b| (sent(b), &b.body.event_id).cmp(&(sent(a), &a.body.event_id)));
        for edit in edits {
            if may_read(self.snapshot, &edit, self.reader.viewer)? {
                return self.written(&edit, Bundle::NOTHING).map(Some);
            }
        }
        Ok(None)
    }

    fn references(&self, event: &EventInfo) -> Result<Option<Value>, StoreError> {
        let filter = RelationFilter { rel_type: Some("m.reference"), event_type: None };
        let mut chunk = Vec::new();
        for position in self.children(event, filter, REFERENCES_MAX)? {
            if let Some(child) = self.snapshot.event_at(position)?
                && child.is_related()
                && may_read(self.snapshot, &child, self.reader.viewer)?
            {
                chunk.push(json!({ "event_id": child.body.event_id }));
            }
        }
        chunk.reverse();
        Ok((!chunk.is_empty()).then(|| json!({ "chunk": chunk })))
    }

    fn thread_summary(&self, event: &EventInfo) -> Result<Option<Value>, StoreError> {
        let viewer = self.reader.viewer;
        let (room, thread_root) = (event.room(), event.body.event_id.as_str());
        let filter = RelationFilter { rel_type: Some("m.thread"), event_type: None };
        let replies = self.children(event, filter, REPLIES_MAX)?;
        if replies.is_empty() {
            return Ok(None);
        }
        let by_body =
            self.ignored_took_part(event)? || self.snapshot.may_hide(RecordKind::Messages);
        let joined = self
            .snapshot
            .membership(viewer.user, room)?
            .filter(|member| member.membership == Membership::Join)
            .map(|member| member.since);
        let destroyed = self.snapshot.destroyed_upto(room)?;
        let mut latest = None;
        let mut count = 0_u64;
        for reply in replies {
            // The body of the latest is told, so it is opened at any rate; and a room's last
            // message may have lost its content alone.
            let by_body = by_body || latest.is_none();
            if self.is_counted(reply, joined, (by_body, destroyed))? {
                count += 1;
                latest.get_or_insert(reply);
            }
        }
        let Some(latest) = latest else { return Ok(None) };
        let Some(latest) = self.snapshot.event_at(latest)? else { return Ok(None) };
        Ok(Some(json!({
            "latest_event": self.written(&latest, Bundle::LAST_OF_THREAD)?,
            "count": count,
            "current_user_participated":
                self.snapshot.participated(viewer.user, room, thread_root)?,
        })))
    }

    /// Whether a reply counts for the reader. Its body is opened only where an ignored user may
    /// have sent it, or a policy may hide it, or where replies may be destroyed: a long thread costs
    /// one row a reply.
    fn is_counted(
        &self,
        reply: LogPosition,
        joined: Option<LogPosition>,
        (by_body, destroyed): (bool, LogPosition),
    ) -> Result<bool, StoreError> {
        let Some(row) = self.snapshot.event_row(reply)? else { return Ok(false) };
        if by_body || row.placed <= destroyed {
            return match self.snapshot.event_at(reply)? {
                Some(reply) if reply.is_related() => {
                    may_read(self.snapshot, &reply, self.reader.viewer)
                }
                _ => Ok(false),
            };
        }
        if row.accepted && row.in_step && joined.is_some_and(|since| row.placed >= since) {
            return Ok(true);
        }
        may_see(self.snapshot, reply, &row, self.reader.viewer)
    }

    /// True if anybody whom the reader ignores wrote in a thread.
    fn ignored_took_part(&self, event: &EventInfo) -> Result<bool, StoreError> {
        for ignored in self.reader.viewer.ignored.iter() {
            if let Some(user) = self.snapshot.user(ignored)?
                && self.snapshot.participated(user, event.room(), &event.body.event_id)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Positions of the events that relate to one, the newest first.
    fn children(
        &self,
        event: &EventInfo,
        filter: RelationFilter<'_>,
        max: usize,
    ) -> Result<Vec<LogPosition>, StoreError> {
        let page = RelationPage { from: None, direction: Direction::Backward, max };
        let items = self.snapshot.relations(event.room(), &event.body.event_id, filter, page)?;
        Ok(items
            .into_iter()
            .filter_map(|item| match item {
                PageItem::Event { event, .. } => Some(event),
                PageItem::Gap { .. } => None,
            })
            .collect())
    }
}

/// The `rel_type` that an event declares.
fn rel_type(event: &EventInfo) -> Option<&str> {
    event.content()?.get("m.relates_to")?.get("rel_type")?.as_str()
}

fn sent(event: &EventInfo) -> Option<i64> {
    event.shown().get("origin_server_ts").and_then(Value::as_i64)
}

/// The rules of "Validity of replacement events" that need no look at the reader. Encrypted edits
/// hold `m.new_content` where only clients find it.
fn is_edit_of(edit: &EventInfo, original: &EventInfo) -> bool {
    let encrypted = edit.str("type") == Some("m.room.encrypted");
    edit.is_related()
        && edit.row.accepted
        && edit.row.state.is_none()
        && edit.str("sender") == original.str("sender")
        && edit.str("type") == original.str("type")
        && (encrypted
            || edit
                .content()
                .is_some_and(|content| content.get("m.new_content").is_some_and(Value::is_object)))
}
