//! Creating a room: all of its first events as one batch.
//!
//! Owns [`decide_create_room`]: the order of events of `POST /createRoom`, the presets, and the
//! refusals of that endpoint. From room version 12 on the room is named after its create event.

mod events;
mod power_levels;

use facts::fact::RoomPublished;
use ruma::{
    CanonicalJsonObject, OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomId, RoomVersionId,
    room_version_rules::{RoomIdFormatVersion, RoomVersionRules},
};

use super::{
    batch::{LocalContext, RoomBatch, RoomFact},
    fold::RoomFold,
    new_event::{NewEvent, add_event},
    refusal::RoomRefusal,
};
use crate::pdu::{KnownPdus, Pdu};
use std::{collections::BTreeMap, sync::Arc};

/// A room is created with at most this many invites, bans and initial state events together.
pub const CREATE_EVENTS_MAX: usize = 500;

/// Presets of `POST /createRoom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Invited people may join, guests too.
    PrivateChat,
    /// As `PrivateChat`, and everybody invited has the creator's power.
    TrustedPrivateChat,
    /// Everybody may join.
    PublicChat,
}

/// The wish to create a room (client-server API, `POST /createRoom`).
#[derive(Clone, Debug)]
pub struct CreateRoom {
    /// Who creates it.
    pub creator: OwnedUserId,
    /// The wished version, or the configured default.
    pub room_version: RoomVersionId,
    /// Content of the create event besides what the server sets.
    pub creation_content: CanonicalJsonObject,
    /// Preset; `None` follows the visibility.
    pub preset: Option<Preset>,
    /// True to list the room in our directory.
    pub is_public: bool,
    /// Overrides keys of the default power levels.
    pub power_level_content_override: CanonicalJsonObject,
    /// State set after the preset's; (type, state key, content).
    pub initial_state: Vec<(String, String, CanonicalJsonObject)>,
    /// Name.
    pub name: Option<String>,
    /// Topic.
    pub topic: Option<String>,
    /// Canonical alias; the caller appends the alias's own fact.
    pub alias: Option<OwnedRoomAliasId>,
    /// People to invite.
    pub invite: Vec<OwnedUserId>,
    /// True where third-party invites were asked for, which is refused.
    pub has_invite_3pid: bool,
    /// Marks the invites as a direct chat.
    pub is_direct: bool,
    /// Profile fields of the creator for the join event (`displayname`, `avatar_url`).
    pub creator_profile: CanonicalJsonObject,
    /// The same of people who are invited, where they are known.
    pub invite_profiles: BTreeMap<OwnedUserId, CanonicalJsonObject>,
    /// People who are banned from the start, each with the content of the ban.
    pub bans: Vec<(OwnedUserId, CanonicalJsonObject)>,
    /// Power levels that end the creation, where the creator needs others during it.
    pub closing_power_levels: Option<CanonicalJsonObject>,
}

impl CreateRoom {
    /// A room with nothing but the defaults.
    pub fn new(creator: OwnedUserId, room_version: RoomVersionId) -> Self {
        Self {
            creator,
            room_version,
            creation_content: CanonicalJsonObject::new(),
            preset: None,
            is_public: false,
            power_level_content_override: CanonicalJsonObject::new(),
            initial_state: Vec::new(),
            name: None,
            topic: None,
            alias: None,
            invite: Vec::new(),
            has_invite_3pid: false,
            is_direct: false,
            creator_profile: CanonicalJsonObject::new(),
            invite_profiles: BTreeMap::new(),
            bans: Vec::new(),
            closing_power_levels: None,
        }
    }

    fn preset(&self) -> Preset {
        self.preset.unwrap_or(if self.is_public { Preset::PublicChat } else { Preset::PrivateChat })
    }
}

/// A room that was decided.
#[derive(Clone, Debug)]
pub struct RoomCreated {
    /// Its id: the name of the stream that the batch opens.
    pub room_id: OwnedRoomId,
    /// The facts of the room's stream after `StreamOpened`, in order. The context's `first_index`
    /// says where in the batch they begin.
    pub facts: Vec<RoomFact>,
    /// The new PDUs, for caches.
    pub pdus: Vec<Arc<Pdu>>,
}

/// Decides all events of a new room.
///
/// The stream has no number before its batch is appended: the caller opens it with a
/// `StreamOpened` named `room_id`, then evolves a new fold with the positions it got.
pub fn decide_create_room(
    wish: &CreateRoom,
    context: &LocalContext<'_>,
) -> Result<RoomCreated, RoomRefusal> {
    let rules = creatable(&wish.room_version)?;
    if wish.has_invite_3pid {
        return Err(RoomRefusal::ThirdPartyInvite);
    }
    if wish.invite.len() + wish.bans.len() + wish.initial_state.len() > CREATE_EVENTS_MAX {
        return Err(RoomRefusal::Malformed("too many invites and state events at once".to_owned()));
    }
    let create = events::create(wish, &rules)?;
    let room_id = room_id(&create, &rules, context)?;
    let nothing = KnownPdus::new();
    let fold = RoomFold::new(facts::StreamId(0), room_id.clone());
    let mut batch = RoomBatch::new(&fold, rules, &nothing, context.first_index);
    add_event(&mut batch, &create, context)?;
    for event in events::after_create(wish, &batch.rules)? {
        let is_wished = event.is_wished;
        add_event(&mut batch, &event.event, context).map_err(|refusal| match refusal {
            RoomRefusal::Forbidden { rule } if is_wished => RoomRefusal::InvalidRoomState(rule),
            RoomRefusal::Malformed(why) if is_wished => RoomRefusal::InvalidRoomState(why),
            other => other,
        })?;
    }
    if wish.is_public {
        batch.push(RoomFact {
            fact: RoomPublished { public: true }.into(),
            actor: Some(wish.creator.clone()),
            person: None,
        });
    }
    Ok(RoomCreated { room_id, facts: batch.facts, pdus: batch.pdus })
}

/// The rules of a version in which rooms can be created: resolution of version 1 is not ours.
fn creatable(version: &RoomVersionId) -> Result<RoomVersionRules, RoomRefusal> {
    version
        .rules()
        .filter(|rules| rules.state_res.v2_rules().is_some())
        .ok_or_else(|| RoomRefusal::UnsupportedRoomVersion(version.clone()))
}

fn room_id(
    create: &NewEvent,
    rules: &RoomVersionRules,
    context: &LocalContext<'_>,
) -> Result<OwnedRoomId, RoomRefusal> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let id = if rules.room_id_format == RoomIdFormatVersion::V1 {
        let local = URL_SAFE_NO_PAD.encode(&context.derive("room id", 0)[..18]);
        format!("!{local}:{}", context.server_name)
    } else {
        events::room_id_from_create(create, rules, context)?
    };
    RoomId::parse(id).map_err(|error| RoomRefusal::Malformed(error.to_string()))
}
