//! Who has which power in a room, as its current state says.
//!
//! Reads the power levels by ruma's rules; used to check what is no event of the room.
//! What is an event is checked by `decide` alone.

use std::collections::HashSet;

use decide::{pdu::KnownPdu, room::RoomFold};
use ruma::{
    Int, OwnedUserId, UserId,
    events::TimelineEventType,
    room_version_rules::AuthorizationRules,
    state_res::events::{RoomCreateEvent, RoomPowerLevelsEvent, RoomPowerLevelsIntField},
};

use super::act::RoomError;
use crate::{Fault, WriteSide};

/// The power levels of a room.
pub(crate) struct Powers {
    rules: AuthorizationRules,
    creators: HashSet<OwnedUserId>,
    levels: Option<RoomPowerLevelsEvent<KnownPdu>>,
}

impl Powers {
    pub(crate) async fn load(write_side: &WriteSide, fold: &RoomFold) -> Result<Self, RoomError> {
        let unfit = |why: String| Fault::Unfit(format!("room {}: {why}", fold.room_id()));
        let rules =
            fold.rules().ok_or_else(|| unfit("it has no version".to_owned()))?.authorization;
        let create = load(write_side, fold, "m.room.create")
            .await?
            .ok_or_else(|| unfit("its create event is gone".to_owned()))?;
        let creators = RoomCreateEvent::new(create).creators(&rules).map_err(unfit)?;
        let levels = load(write_side, fold, "m.room.power_levels").await?;
        Ok(Self { rules, creators, levels: levels.map(RoomPowerLevelsEvent::new) })
    }

    /// The creators, where the room's version sets them above all levels; else nobody.
    pub(crate) fn privileged_creators(&self) -> Vec<OwnedUserId> {
        if !self.rules.explicitly_privilege_room_creators {
            return Vec::new();
        }
        let mut creators: Vec<_> = self.creators.iter().cloned().collect();
        creators.sort();
        creators
    }

    /// Whether `user` may send state of this type.
    pub(crate) fn may_send_state(&self, user: &UserId, event_type: &TimelineEventType) -> bool {
        let needed = match &self.levels {
            Some(levels) => levels.event_power_level(event_type, Some(""), &self.rules),
            None => Ok(RoomPowerLevelsIntField::StateDefault.default_value()),
        };
        self.reaches(user, &needed)
    }

    /// Levels that cannot be read give nobody power.
    fn reaches(&self, user: &UserId, needed: &Result<Int, String>) -> bool {
        let is_creator = self.creators.contains(user);
        if is_creator && (self.rules.explicitly_privilege_room_creators || self.levels.is_none()) {
            return true;
        }
        let own = match &self.levels {
            Some(levels) => levels.user_power_level(user, &self.rules),
            None => Ok(RoomPowerLevelsIntField::UsersDefault.default_value()),
        };
        matches!((own, needed), (Ok(own), Ok(needed)) if own >= *needed)
    }
}

async fn load(
    write_side: &WriteSide,
    fold: &RoomFold,
    event_type: &str,
) -> Result<Option<KnownPdu>, RoomError> {
    let Some(entry) = fold.state_entry(event_type, "") else {
        return Ok(None);
    };
    Ok(write_side.known_pdu(fold.room_id(), &entry.event_id).await?)
}
