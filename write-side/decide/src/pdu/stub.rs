//! The stub of a message: what its room needs of it once its skeleton is destroyed.
//!
//! Owns which events can have one. State is what authorizes and resolves, and a redaction goes on
//! redacting: their skeletons stay. Invariants: I2. Nothing of a stub says who sent what and when.

use facts::{
    LogPosition,
    fact::{PduStored, PduStub},
};
use ruma::RoomId;

use super::Skeleton;

/// The stub of the message stored at `position`; `None` for what keeps its skeleton, and for what
/// cannot be read.
pub fn stub_of(room_id: &RoomId, position: LogPosition, stored: &PduStored) -> Option<PduStub> {
    let skeleton = Skeleton::of(room_id, stored).ok()?;
    let stays = stored.is_state
        || skeleton.state_key.is_some()
        || skeleton.redacts.is_some()
        || skeleton.event_type == "m.room.redaction";
    (!stays).then(|| PduStub {
        pdu: position,
        event_id: stored.event_id.clone(),
        prev_events: skeleton.prev_events.iter().map(ToString::to_string).collect(),
        depth: skeleton.depth,
        placement: stored.placement.clone(),
    })
}
