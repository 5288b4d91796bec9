//! The first entry of every stream but the log's own: what it is and how it is named.
//!
//! Owns `StreamOpened`. A person's stream opens that person's key tree with the same entry, by an
//! empty personal part: the log learns a person's tree from that person's stream alone.

use serde::{Deserialize, Serialize};

use super::{FactBody, FactError, FactPart, from_cbor, to_cbor};
use crate::RecordClass;

/// What a stream is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// A room, named by its room id.
    Room,
    /// A person, local or remote, named by the user id.
    User,
    /// What waits for one device, named by user id and device id, separated by a space.
    DeviceInbox,
    /// A room alias.
    Alias,
    /// Server-wide administration, named by our server name.
    Server,
    /// Another server, named by its server name.
    Peer,
    /// Roles, cases, policies and holds, named by our server name. Its revision fences what is
    /// destroyed: an order that was decided on an older one is refused.
    Governance,
    /// The audit trail, named by our server name.
    Audit,
}

/// A stream begins. Its position is the stream's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOpened {
    /// Kind of the stream.
    pub kind: StreamKind,
    /// Its name; sealed, and kept when a person is erased (it stands in the rooms' skeletons too).
    pub name: String,
}

/// CBOR null: the personal part that only opens the person's tree.
const PERSON_MARK: &[u8] = &[0xf6];

impl FactBody for StreamOpened {
    const TYPE: u16 = 8;
    const VERSION: u16 = 1;

    fn to_parts(&self) -> Vec<FactPart> {
        let mut parts =
            vec![FactPart { class: RecordClass::Name, personal: false, bytes: to_cbor(self) }];
        if self.kind == StreamKind::User {
            parts.push(FactPart {
                class: RecordClass::Account,
                personal: true,
                bytes: PERSON_MARK.to_vec(),
            });
        }
        parts
    }

    fn from_parts(version: u16, parts: &[Option<&[u8]>]) -> Result<Option<Self>, FactError> {
        if version != Self::VERSION {
            return Err(FactError::UnknownVersion { fact_type: Self::TYPE, version });
        }
        match parts {
            [Some(name)] | [Some(name), _] => from_cbor(Self::TYPE, name).map(Some),
            [None] | [None, _] => Ok(None),
            _ => Err(FactError::Shape(Self::TYPE)),
        }
    }
}
