//! What a fold keeps of a stored PDU: the fields that every redacted form has.
//!
//! Owns the short way to them. Most events leave nothing behind that redaction strips and a fold
//! reads, so their redacted form is read straight into these fields; all others, and whatever this
//! cannot read, go through [`Pdu::from_skeleton`], which decides what is well formed.
//! Invariants: I2. Never reads content that redaction strips.

use std::borrow::Cow;

use facts::fact::PduStored;
use ruma::{EventId, OwnedEventId, OwnedUserId, RoomId, UserId};
use serde::Deserialize;

use super::{Pdu, PduError};

/// The fields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Skeleton {
    pub(crate) event_id: OwnedEventId,
    pub(crate) sender: OwnedUserId,
    pub(crate) event_type: String,
    pub(crate) state_key: Option<String>,
    /// `membership` of the content.
    pub(crate) membership: Option<String>,
    /// `room_version` of the content.
    pub(crate) room_version: Option<String>,
    pub(crate) prev_events: Vec<OwnedEventId>,
    pub(crate) auth_events: Vec<OwnedEventId>,
    pub(crate) redacts: Option<OwnedEventId>,
    pub(crate) depth: u64,
    /// Milliseconds since the Unix epoch, by the sender's clock.
    pub(crate) origin_server_ts: u64,
}

/// A redacted form as rooms of version 3 and later have it.
#[derive(Deserialize)]
struct Plain<'a> {
    #[serde(borrow)]
    room_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sender: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    event_type: Cow<'a, str>,
    state_key: Option<String>,
    content: PlainContent,
    #[serde(borrow)]
    prev_events: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    auth_events: Vec<Cow<'a, str>>,
    depth: u64,
    origin_server_ts: u64,
}

#[derive(Deserialize)]
struct PlainContent {
    membership: Option<String>,
}

impl Skeleton {
    /// Reads a stored PDU of `room_id`.
    pub(crate) fn of(room_id: &RoomId, stored: &PduStored) -> Result<Self, PduError> {
        match Self::plain(room_id, stored) {
            Some(skeleton) => Ok(skeleton),
            None => Pdu::from_skeleton(room_id, stored).map(Self::of_pdu),
        }
    }

    /// `None` where it is not plain: it left a residue, or names what only some event types have.
    fn plain(room_id: &RoomId, stored: &PduStored) -> Option<Self> {
        if stored.residue.is_some() {
            return None;
        }
        let plain: Plain<'_> = serde_json::from_slice(&stored.redacted).ok()?;
        let other_room = plain.room_id.is_some_and(|named| named != room_id.as_str());
        let special = matches!(&*plain.event_type, "m.room.create" | "m.room.redaction");
        if other_room || special {
            return None;
        }
        Some(Self {
            event_id: EventId::parse(&stored.event_id).ok()?,
            sender: UserId::parse(&*plain.sender).ok()?,
            event_type: plain.event_type.into_owned(),
            state_key: plain.state_key,
            membership: plain.content.membership,
            room_version: None,
            prev_events: ids(&plain.prev_events)?,
            auth_events: ids(&plain.auth_events)?,
            redacts: None,
            depth: plain.depth,
            origin_server_ts: plain.origin_server_ts,
        })
    }

    fn of_pdu(pdu: Pdu) -> Self {
        Self {
            membership: pdu.content_str("membership").map(ToOwned::to_owned),
            room_version: pdu.content_str("room_version").map(ToOwned::to_owned),
            event_type: pdu.event_type.to_string(),
            origin_server_ts: pdu.origin_server_ts.0.into(),
            event_id: pdu.event_id,
            sender: pdu.sender,
            state_key: pdu.state_key,
            prev_events: pdu.prev_events,
            auth_events: pdu.auth_events,
            redacts: pdu.redacts,
            depth: pdu.depth,
        }
    }

    /// True for a state event of this type with the empty key.
    pub(crate) fn is_state(&self, event_type: &str) -> bool {
        self.event_type == event_type && self.state_key.as_deref() == Some("")
    }
}

fn ids(references: &[Cow<'_, str>]) -> Option<Vec<OwnedEventId>> {
    references.iter().map(|id| EventId::parse(&**id).ok()).collect()
}

#[cfg(test)]
mod tests {
    use facts::fact::PduStored;
    use ruma::room_id;
    use serde_json::json;

    use super::*;

    fn stored(redacted: &serde_json::Value) -> PduStored {
        PduStored {
            event_id: "$one".to_owned(),
            is_state: false,
            redacted: redacted.to_string().into_bytes(),
            residue: None,
            placement: None,
            content: None,
        }
    }

    fn message() -> serde_json::Value {
        json!({
            "auth_events": ["$a", "$b"], "content": {}, "depth": 7, "hashes": {"sha256": "x"},
            "origin_server_ts": 5, "prev_events": ["$p"], "room_id": "!r:x.org",
            "sender": "@s:x.org", "signatures": {}, "type": "m.room.message",
        })
    }

    #[test]
    fn the_short_way_and_the_long_one_read_the_same() {
        let room = room_id!("!r:x.org");
        let mut member = message();
        member["type"] = "m.room.member".into();
        member["state_key"] = "@s:x.org".into();
        member["content"] = json!({"membership": "join"});
        for event in [message(), member] {
            let stored = stored(&event);
            let short = Skeleton::plain(room, &stored).expect("it is plain");
            let long = Skeleton::of_pdu(Pdu::from_skeleton(room, &stored).expect("well formed"));
            assert_eq!(short, long);
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_long_way() {
        let room = room_id!("!r:x.org");
        let mut cases = vec![message(); 7];
        cases[0]["room_id"] = "!other:x.org".into();
        cases[1]["depth"] = (-1).into();
        cases[2]["state_key"] = 1.into();
        cases[3]["sender"] = "nobody".into();
        cases[4]["prev_events"] = json!([["$p", {"sha256": "x"}]]);
        cases[5]["type"] = "m.room.redaction".into();
        cases[6]["type"] = "m.room.create".into();
        for event in cases {
            assert!(Skeleton::plain(room, &stored(&event)).is_none(), "{event}");
        }
    }
}
