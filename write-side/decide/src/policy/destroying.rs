//! From a fate to what is destroyed.
//!
//! Owns which parts of an entry a destruction takes, and by which cause an order is given. Parts
//! that keep a room's authorization and the log itself readable are never taken. The redacted form
//! of a message goes once all of the message is over, and a stub keeps the room's graph whole; that
//! of a state event stays.

use facts::{
    RecordClass,
    fact::{RecordKind, ShredCause},
};

use super::{Extent, Ground};

/// Whether destroying this much of a record destroys its parts of this class; for a message's
/// skeleton only where a stub can stand for it.
pub fn takes(class: RecordClass, extent: Extent) -> bool {
    match class {
        RecordClass::Control
        | RecordClass::Name
        | RecordClass::StateSkeleton
        | RecordClass::Governance
        | RecordClass::Peer => false,
        RecordClass::MessageSkeleton => extent == Extent::Whole,
        RecordClass::StateContent
        | RecordClass::MessageContent
        | RecordClass::Account
        | RecordClass::Credential
        | RecordClass::Device
        | RecordClass::AccountData
        | RecordClass::Receipt
        | RecordClass::E2eeKey
        | RecordClass::KeyBackup
        | RecordClass::ToDevice
        | RecordClass::Media
        | RecordClass::Audit
        | RecordClass::InviteState
        | RecordClass::Unplaced => true,
    }
}

/// The cause of an order that the rule which decided gives; `None` for a rule that ends nothing.
pub fn cause(decided_by: &Ground<'_>, kind: RecordKind) -> Option<ShredCause> {
    match decided_by {
        Ground::Floor { .. }
        | Ground::Ceiling { .. }
        | Ground::RoomFloor { .. }
        | Ground::RoomCeiling { .. }
        | Ground::LastReferenceGone { .. } => Some(ShredCause::Retention),
        Ground::Redaction { .. } => Some(ShredCause::Redaction),
        Ground::Erasure { .. } => Some(ShredCause::Erasure),
        Ground::Superseded { .. } if kind == RecordKind::ToDevice => Some(ShredCause::Acknowledged),
        Ground::Superseded { .. } => Some(ShredCause::Superseded),
        Ground::Hold { .. } | Ground::Current | Ground::NoLimit => None,
    }
}
