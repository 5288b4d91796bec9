//! A PDU's bytes, exactly once for each event id.
//!
//! Owns `PduStored`: part 1 is the skeleton (redacted form, residue, first placement), part 2 the
//! content (what redaction strips, and the client's transaction id).
//! Invariants: I6. The residue is never served in place of a redacted event.

use serde::{Deserialize, Serialize};

use super::placement::Placement;
use crate::{
    RecordClass,
    fact::{FactBody, FactError, FactPart, from_cbor, to_cbor},
};

/// The client transaction that made an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClientTxn {
    /// Device id.
    #[serde(rename = "d")]
    pub device_id: String,
    /// Endpoint, by ruma's name (`send_message_event`).
    #[serde(rename = "e")]
    pub endpoint: String,
    /// The client's transaction id.
    #[serde(rename = "t")]
    pub txn_id: String,
}

/// What redaction would take away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PduContent {
    /// Canonical JSON: the keys that stand neither in the redacted form nor in the residue; the
    /// whole PDU if `whole`.
    #[serde(rename = "c", with = "serde_bytes")]
    pub rest: Vec<u8>,
    /// True where merging would not give the accepted bytes again.
    #[serde(rename = "w", default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// The client's transaction.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub txn: Option<ClientTxn>,
}

/// A PDU is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PduStored {
    /// Event id.
    pub event_id: String,
    /// True for a state event.
    pub is_state: bool,
    /// Canonical JSON of the redacted form by the room's version.
    pub redacted: Vec<u8>,
    /// Canonical JSON of what redaction strips but the server reads for ever; `None` for nothing.
    pub residue: Option<Vec<u8>>,
    /// The first placement, if it was decided together with storing.
    pub placement: Option<Placement>,
    /// The rest; `None` once it is destroyed.
    pub content: Option<PduContent>,
}

#[derive(Serialize, Deserialize)]
struct Skeleton {
    #[serde(rename = "i")]
    event_id: String,
    #[serde(rename = "s", default, skip_serializing_if = "std::ops::Not::not")]
    is_state: bool,
    #[serde(rename = "r", with = "serde_bytes")]
    redacted: Vec<u8>,
    #[serde(rename = "x", default, with = "serde_bytes", skip_serializing_if = "Option::is_none")]
    residue: Option<Vec<u8>>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    placement: Option<Placement>,
}

impl PduStored {
    /// Whether the content is sealed with a person's tree: the member's for `m.room.member`, the
    /// sender's for messages, nobody's for other state (so erasing a person never takes a room's
    /// name, encryption or access rules away).
    pub fn content_is_personal(&self) -> bool {
        !self.is_state || self.is_member_event()
    }

    fn is_member_event(&self) -> bool {
        #[derive(Deserialize)]
        struct Type {
            #[serde(rename = "type")]
            event_type: String,
        }
        serde_json::from_slice::<Type>(&self.redacted)
            .is_ok_and(|event| event.event_type == "m.room.member")
    }
}

impl FactBody for PduStored {
    const TYPE: u16 = 16;
    const VERSION: u16 = 1;

    fn to_parts(&self) -> Vec<FactPart> {
        let (skeleton_class, content_class) = if self.is_state {
            (RecordClass::StateSkeleton, RecordClass::StateContent)
        } else {
            (RecordClass::MessageSkeleton, RecordClass::MessageContent)
        };
        let skeleton = Skeleton {
            event_id: self.event_id.clone(),
            is_state: self.is_state,
            redacted: self.redacted.clone(),
            residue: self.residue.clone(),
            placement: self.placement.clone(),
        };
        let mut parts =
            vec![FactPart { class: skeleton_class, personal: false, bytes: to_cbor(&skeleton) }];
        if let Some(content) = &self.content {
            parts.push(FactPart {
                class: content_class,
                personal: self.content_is_personal(),
                bytes: to_cbor(content),
            });
        }
        parts
    }

    fn from_parts(version: u16, parts: &[Option<&[u8]>]) -> Result<Option<Self>, FactError> {
        if version != Self::VERSION {
            return Err(FactError::UnknownVersion { fact_type: Self::TYPE, version });
        }
        let (skeleton, content) = match parts {
            [skeleton] => (skeleton, &None),
            [skeleton, content] => (skeleton, content),
            _ => return Err(FactError::Shape(Self::TYPE)),
        };
        let Some(skeleton) = skeleton else {
            return Ok(None);
        };
        let skeleton: Skeleton = from_cbor(Self::TYPE, skeleton)?;
        let content = content.map(|bytes| from_cbor(Self::TYPE, bytes)).transpose()?;
        Ok(Some(Self {
            event_id: skeleton.event_id,
            is_state: skeleton.is_state,
            redacted: skeleton.redacted,
            residue: skeleton.residue,
            placement: skeleton.placement,
            content,
        }))
    }
}
