//! Events that two servers make together: a template for another server's user, and our signature
//! under what another server prepared (server-server API, `make_join` and its kin, invites).
//!
//! Nothing is appended: the finished event comes back by [`super::receive_pdus`].

use decide::{
    pdu::Pdu,
    room::{NewEvent, RoomRefusal, event_template, needed_for, sign_template},
};
use ruma::{CanonicalJsonObject, RoomId, room_version_rules::RoomVersionRules};

use super::{act::RoomError, inputs::Inputs};
use crate::{CommandError, WriteSide};

/// An event that follows the room's current extremities, checked against its rules, not signed.
pub async fn template_event(
    write_side: &WriteSide,
    room: &RoomId,
    event: &NewEvent,
) -> Result<CanonicalJsonObject, RoomError> {
    let fold = write_side.room(room).await?;
    let needed = needed_for(&fold, event);
    let mut inputs = Inputs::default();
    let ids = needed.into_iter().map(|need| need.event_id).collect();
    inputs.load(write_side, room, ids).await?;
    let mut known = inputs.known;
    loop {
        let context = write_side.local_context(0);
        match event_template(&fold, event, &context, &known) {
            Ok(template) => return Ok(template),
            // Each turn loads one more PDU of the room's current state, or ends.
            Err(RoomRefusal::MissingInput(event_id)) => {
                match write_side.known_pdu(room, &event_id).await? {
                    Some(pdu) => known.insert(pdu),
                    None => return Err(refused(RoomRefusal::MissingInput(event_id))),
                }
            }
            Err(refusal) => return Err(refused(refusal)),
        }
    }
}

/// Signs what another server prepared, as an event of ours. The caller has checked that it says
/// what was asked for: type, sender, state key, membership.
pub fn sign_event(
    write_side: &WriteSide,
    room: &RoomId,
    rules: &RoomVersionRules,
    template: CanonicalJsonObject,
) -> Result<Pdu, RoomError> {
    sign_template(template, room, rules, &write_side.local_context(0)).map_err(refused)
}

fn refused(refusal: RoomRefusal) -> RoomError {
    CommandError::Refusal(refusal.into())
}
