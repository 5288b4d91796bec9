//! A room with members of two servers, and what they send.

use decide::room::{CreateRoom, NewEvent, PlaceAs, Preset};
use facts::fact::Verdict;
use ruma::{EventId, OwnedEventId, RoomVersionId, UserId, events::room::member::MembershipState};
use serde_json::json;

use crate::{
    peer::{Foreign, place, stranger},
    world::{World, user},
};

/// A public room of alice's in which bob of the other server is joined with power 50 or, in a
/// version without it, as given.
pub(crate) fn room(version: &str) -> World {
    let mut wish = CreateRoom::new(user("alice"), RoomVersionId::try_from(version).unwrap());
    wish.preset = Some(Preset::PublicChat);
    let mut world = World::create(&wish);
    let bob = stranger("bob");
    join(&mut world, &bob);
    let mut levels = world.state_pdu("m.room.power_levels", "").content_object().unwrap().clone();
    let users = levels.get_mut("users").unwrap().as_object_mut().unwrap();
    users.insert(bob.to_string(), ruma::Int::from(50).into());
    world.send(NewEvent::state(user("alice"), "m.room.power_levels", "", levels)).unwrap();
    world
}

pub(crate) fn tip(world: &World) -> OwnedEventId {
    world.fold.tips().last().unwrap().event_id.clone()
}

pub(crate) fn foreign(
    world: &World,
    prev: &[&EventId],
    sender: &UserId,
    event_type: &'static str,
    state_key: Option<&str>,
    content: serde_json::Value,
) -> Foreign {
    let state = world.fold.state_after(prev[0]).unwrap_or(world.fold.state()).clone();
    Foreign::after(world, &state, prev, sender, event_type, state_key, content)
}

pub(crate) fn join(world: &mut World, who: &UserId) -> OwnedEventId {
    let prev = tip(world);
    let event = foreign(
        world,
        &[&prev],
        who,
        "m.room.member",
        Some(who.as_str()),
        json!({ "membership": "join" }),
    );
    let (id, verdict) = place(world, &event, &PlaceAs::live()).unwrap();
    assert_eq!(verdict, Verdict::Accept);
    assert_eq!(world.fold.membership(who), MembershipState::Join);
    id
}

pub(crate) fn say(world: &World, prev: &[&EventId], who: &UserId, text: &str) -> Foreign {
    foreign(world, prev, who, "m.room.message", None, json!({ "body": text }))
}

pub(crate) fn topic(world: &World, prev: &EventId, who: &UserId, text: &str) -> Foreign {
    foreign(world, &[prev], who, "m.room.topic", Some(""), json!({ "topic": text }))
}

pub(crate) fn live(world: &mut World, event: &Foreign) -> (OwnedEventId, Verdict) {
    place(world, event, &PlaceAs::live()).unwrap()
}
