//! What a room shows of itself to those outside: the public directory, room summaries and space
//! hierarchies.
//!
//! Owns the fields of `room_summary.yaml` and the rule who may see them.

use facts::StreamId;
use projections::{
    Snapshot,
    query::{EventInfo, Membership, StoreError},
};
use serde_json::{Map, Value};

/// A room from outside.
pub(crate) struct RoomDigest {
    pub(crate) room: StreamId,
    pub(crate) room_id: String,
    pub(crate) name: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) canonical_alias: Option<String>,
    pub(crate) avatar_url: Option<String>,
    pub(crate) room_type: Option<String>,
    pub(crate) room_version: String,
    pub(crate) encryption: Option<String>,
    pub(crate) join_rule: String,
    /// Rooms whose members may join, for restricted join rules.
    pub(crate) allowed_rooms: Vec<String>,
    pub(crate) world_readable: bool,
    pub(crate) guest_can_join: bool,
    pub(crate) joined: u32,
}

/// The digest of a room; `None` for one whose creation is not known.
pub(crate) fn room_digest(
    snapshot: &Snapshot,
    room: StreamId,
) -> Result<Option<RoomDigest>, StoreError> {
    let Some(room_id) = snapshot.name(room)? else { return Ok(None) };
    let Some(create) = state(snapshot, room, "m.room.create")? else { return Ok(None) };
    let text = |event_type: &str, field: &str| -> Result<Option<String>, StoreError> {
        let found = state(snapshot, room, event_type)?;
        let found = found.and_then(|event| content_str(&event, field));
        Ok(found.filter(|text| !text.is_empty()))
    };
    let rules = state(snapshot, room, "m.room.join_rules")?;
    let history = text("m.room.history_visibility", "history_visibility")?;
    Ok(Some(RoomDigest {
        room,
        room_id,
        name: text("m.room.name", "name")?,
        topic: text("m.room.topic", "topic")?,
        canonical_alias: text("m.room.canonical_alias", "alias")?,
        avatar_url: text("m.room.avatar", "url")?,
        room_type: content_str(&create, "type"),
        room_version: content_str(&create, "room_version").unwrap_or_else(|| "1".to_owned()),
        encryption: text("m.room.encryption", "algorithm")?,
        join_rule: rules
            .as_ref()
            .and_then(|rules| content_str(rules, "join_rule"))
            .unwrap_or_else(|| "invite".to_owned()),
        allowed_rooms: rules.as_ref().map(allowed_rooms).unwrap_or_default(),
        world_readable: history.as_deref() == Some("world_readable"),
        guest_can_join: text("m.room.guest_access", "guest_access")?.as_deref() == Some("can_join"),
        joined: snapshot.room_counts(room)?.map_or(0, |counts| counts.joined),
    }))
}

fn state(
    snapshot: &Snapshot,
    room: StreamId,
    event_type: &str,
) -> Result<Option<EventInfo>, StoreError> {
    match snapshot.state_event(room, event_type, "")? {
        Some(position) => snapshot.event_at(position),
        None => Ok(None),
    }
}

fn content_str(event: &EventInfo, field: &str) -> Option<String> {
    Some(event.content()?.get(field)?.as_str()?.to_owned())
}

fn allowed_rooms(rules: &EventInfo) -> Vec<String> {
    let rule = content_str(rules, "join_rule");
    if !matches!(rule.as_deref(), Some("restricted" | "knock_restricted")) {
        return Vec::new();
    }
    rules
        .content()
        .and_then(|content| content.get("allow")?.as_array())
        .into_iter()
        .flatten()
        .filter(|allow| allow.get("type").and_then(Value::as_str) == Some("m.room_membership"))
        .filter_map(|allow| Some(allow.get("room_id")?.as_str()?.to_owned()))
        .collect()
}

impl RoomDigest {
    /// True for anybody, with a token or without.
    pub(crate) fn is_open(&self) -> bool {
        self.world_readable
            || matches!(self.join_rule.as_str(), "public" | "knock" | "knock_restricted")
    }

    /// True if the user is in the room, or could come in.
    pub(crate) fn is_shown_to(
        &self,
        snapshot: &Snapshot,
        user: StreamId,
    ) -> Result<bool, StoreError> {
        let membership = snapshot.membership(user, self.room)?.map(|member| member.membership);
        match membership {
            Some(Membership::Join | Membership::Invite) => return Ok(true),
            Some(Membership::Ban) => return Ok(false),
            _ => {}
        }
        if self.is_open() {
            return Ok(true);
        }
        for allowed in &self.allowed_rooms {
            if let Some(room) = snapshot.room(allowed)?
                && snapshot.is_joined(user, room)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The fields that the public directory has.
    pub(crate) fn directory_json(&self) -> Map<String, Value> {
        let mut json = Map::new();
        json.insert("room_id".to_owned(), Value::from(self.room_id.as_str()));
        json.insert("num_joined_members".to_owned(), Value::from(self.joined));
        json.insert("world_readable".to_owned(), Value::from(self.world_readable));
        json.insert("guest_can_join".to_owned(), Value::from(self.guest_can_join));
        json.insert("join_rule".to_owned(), Value::from(self.join_rule.as_str()));
        for (key, value) in [
            ("name", &self.name),
            ("topic", &self.topic),
            ("canonical_alias", &self.canonical_alias),
            ("avatar_url", &self.avatar_url),
            ("room_type", &self.room_type),
        ] {
            if let Some(value) = value {
                json.insert(key.to_owned(), Value::from(value.as_str()));
            }
        }
        json
    }

    /// All fields of a summary.
    pub(crate) fn summary_json(&self) -> Map<String, Value> {
        let mut json = self.directory_json();
        json.insert("room_version".to_owned(), Value::from(self.room_version.as_str()));
        if let Some(encryption) = &self.encryption {
            json.insert("encryption".to_owned(), Value::from(encryption.as_str()));
        }
        if !self.allowed_rooms.is_empty() {
            let allowed = self.allowed_rooms.iter().map(String::as_str).collect::<Vec<_>>();
            json.insert("allowed_room_ids".to_owned(), Value::from(allowed));
        }
        json
    }
}
