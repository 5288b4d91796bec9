//! Filters: inline or by id, and what they let through.
//!
//! Owns the matching of events against ruma's filter types (client-server API, "Filtering").

use facts::StreamId;
use http_edge::MatrixError;
use ruma::api::client::filter::{EventFormat, FilterDefinition, LazyLoadOptions, RoomEventFilter};
use serde_json::Value;

use super::event_fields::only_fields;
use crate::{client_event::EventForm, state::ReadSide, sync::SyncToken};

/// Timeline events of a room if the filter names no number.
const TIMELINE_LIMIT: usize = 10;
/// Timeline events of a room at most.
const TIMELINE_LIMIT_MAX: usize = 100;
/// An inline filter is at most this long.
const FILTER_BYTES_MAX: usize = 64 * 1024;

/// A filter, ready to ask.
pub(crate) struct SyncFilter {
    definition: FilterDefinition,
}

/// The filter that `filter` names: JSON in line, an id, or none.
pub(crate) async fn load_filter(
    read: &ReadSide,
    user: StreamId,
    filter: Option<&str>,
    since: Option<SyncToken>,
) -> Result<SyncFilter, MatrixError> {
    let Some(filter) = filter.filter(|filter| !filter.is_empty()) else {
        return Ok(SyncFilter { definition: FilterDefinition::default() });
    };
    let json = if filter.starts_with('{') {
        if filter.len() > FILTER_BYTES_MAX {
            return Err(MatrixError::too_large("The filter is too long"));
        }
        filter.as_bytes().to_vec()
    } else {
        let id = filter.to_owned();
        // A client that syncs all the time uses the same filter all the time.
        let near = since.map(|since| since.position);
        read.ask_since(near, move |snapshot| Ok(snapshot.filter(user, &id)?))
            .await?
            .ok_or_else(|| MatrixError::invalid_param("There is no such filter"))?
    };
    let definition = serde_json::from_slice(&json)
        .map_err(|error| MatrixError::invalid_param(format!("The filter is malformed: {error}")))?;
    Ok(SyncFilter { definition })
}

impl SyncFilter {
    /// How room events are written (`event_format`).
    pub(crate) fn form(&self) -> EventForm {
        match self.definition.event_format {
            EventFormat::Federation => EventForm::Federation,
            _ => EventForm::WithoutRoomId,
        }
    }

    /// An event with the fields alone that `event_fields` names.
    pub(crate) fn trim(&self, event: Value) -> Value {
        match &self.definition.event_fields {
            Some(fields) => only_fields(&event, fields),
            None => event,
        }
    }

    pub(crate) fn include_leave(&self) -> bool {
        self.definition.room.include_leave
    }

    pub(crate) fn wants_room(&self, room_id: &str) -> bool {
        let room = &self.definition.room;
        !room.not_rooms.iter().any(|no| no == room_id)
            && room.rooms.as_ref().is_none_or(|rooms| rooms.iter().any(|yes| yes == room_id))
    }

    pub(crate) fn timeline_limit(&self) -> usize {
        self.definition
            .room
            .timeline
            .limit
            .and_then(|limit| usize::try_from(u64::from(limit)).ok())
            .unwrap_or(TIMELINE_LIMIT)
            .min(TIMELINE_LIMIT_MAX)
    }

    pub(crate) fn lazy_members(&self) -> bool {
        matches!(self.definition.room.state.lazy_load_options, LazyLoadOptions::Enabled { .. })
            || matches!(
                self.definition.room.timeline.lazy_load_options,
                LazyLoadOptions::Enabled { .. }
            )
    }

    pub(crate) fn thread_counts(&self) -> bool {
        self.definition.room.timeline.unread_thread_notifications
    }

    pub(crate) fn wants_timeline(&self, room_id: &str, event: EventFacts<'_>) -> bool {
        passes(&self.definition.room.timeline, room_id, event)
    }

    pub(crate) fn wants_state(&self, room_id: &str, event: EventFacts<'_>) -> bool {
        passes(&self.definition.room.state, room_id, event)
    }

    pub(crate) fn wants_ephemeral(&self, room_id: &str, event_type: &str) -> bool {
        passes(&self.definition.room.ephemeral, room_id, EventFacts::of_type(event_type))
    }

    pub(crate) fn wants_room_data(&self, room_id: &str, event_type: &str) -> bool {
        passes(&self.definition.room.account_data, room_id, EventFacts::of_type(event_type))
    }

    pub(crate) fn wants_global_data(&self, event_type: &str) -> bool {
        let filter = &self.definition.account_data;
        !filter.not_types.iter().any(|pattern| matches(pattern, event_type))
            && filter
                .types
                .as_ref()
                .is_none_or(|types| types.iter().any(|pattern| matches(pattern, event_type)))
    }
}

/// What filters look at.
#[derive(Clone, Copy)]
pub(crate) struct EventFacts<'a> {
    pub(crate) event_type: &'a str,
    pub(crate) sender: Option<&'a str>,
    pub(crate) content: Option<&'a serde_json::Map<String, Value>>,
}

impl<'a> EventFacts<'a> {
    fn of_type(event_type: &'a str) -> Self {
        Self { event_type, sender: None, content: None }
    }
}

/// The rule of `RoomEventFilter`, shared with `/messages`, `/context` and `/search`.
pub(crate) fn passes(filter: &RoomEventFilter, room_id: &str, event: EventFacts<'_>) -> bool {
    use ruma::api::client::filter::UrlFilter;
    let type_matches =
        |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, event.event_type));
    let has_url = || event.content.is_some_and(|content| content.contains_key("url"));
    !type_matches(&filter.not_types)
        && filter.types.as_ref().is_none_or(|types| type_matches(types))
        && !filter.not_rooms.iter().any(|no| no == room_id)
        && filter.rooms.as_ref().is_none_or(|rooms| rooms.iter().any(|yes| yes == room_id))
        && event.sender.is_none_or(|sender| {
            !filter.not_senders.iter().any(|no| no == sender)
                && filter.senders.as_ref().is_none_or(|yes| yes.iter().any(|yes| yes == sender))
        })
        && match filter.url_filter {
            Some(UrlFilter::EventsWithUrl) => has_url(),
            Some(UrlFilter::EventsWithoutUrl) => !has_url(),
            None => true,
        }
}

/// `*` stands for any sequence of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_any_sequence() {
        for (pattern, text, expected) in [
            ("m.room.message", "m.room.message", true),
            ("m.room.message", "m.room.messages", false),
            ("m.room.*", "m.room.name", true),
            ("*", "", true),
            ("*.name", "m.room.name", true),
            ("m.*.name", "m.room.name", true),
            ("m.*.name", "m.room.topic", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
