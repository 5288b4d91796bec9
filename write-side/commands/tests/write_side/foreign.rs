//! PDUs of another server: placed in order, late, twice, or far back in the graph.

use commands::{
    ServerIdentity, WriteSide,
    room::{
        Incoming, MemberDetails, PduOutcome, create_room, join_room, leave_room, merge_extremities,
        receive_pdus, template_event,
    },
};
use decide::room::{
    CreateRoom, NewEvent, PlaceAs, PlaceFault, Preset, RECENT_STATES_MAX, ReceivedPdu, Signatures,
    decide_store,
};
use facts::fact::Verdict;
use ruma::{
    OwnedEventId, OwnedRoomId, RoomVersionId, UserId, events::room::member::MembershipState,
    room_version_rules::RoomVersionRules, signatures::hash_and_sign_event,
};
use serde_json::{Value, json};

use crate::stage::{Stage, object, room_of, say, user};

const EVE: &str = "@eve:remote.example";
pub(crate) const ACCEPTED: PduOutcome = PduOutcome::Placed(Verdict::Accept);

/// Another server in a room of ours.
pub(crate) struct Remote {
    identity: ServerIdentity,
    room: OwnedRoomId,
    rules: RoomVersionRules,
    auth: Vec<OwnedEventId>,
    depth: u64,
}

impl Remote {
    pub(crate) async fn new(ws: &WriteSide, room: &OwnedRoomId) -> Self {
        let fold = ws.room(room).await.unwrap();
        let name = ruma::server_name!("remote.example").to_owned();
        let auth = ["m.room.join_rules", "m.room.power_levels"]
            .map(|event_type| fold.state_entry(event_type, "").unwrap().event_id.clone());
        Self {
            identity: ServerIdentity::from_seed(name, "a_1".to_owned(), &[9; 32]).unwrap(),
            room: room.clone(),
            rules: fold.rules().unwrap(),
            auth: auth.to_vec(),
            depth: fold.next_depth(),
        }
    }

    /// Eve's event, as it comes over the wire.
    pub(crate) fn event(&mut self, prev: &[OwnedEventId], differs: &Value) -> ReceivedPdu {
        self.depth += 1;
        let mut json = object(&json!({
            "type": "m.room.message",
            "sender": EVE,
            "room_id": self.room,
            "content": { "body": format!("{}", self.depth) },
            "prev_events": prev,
            "auth_events": self.auth,
            "depth": self.depth,
            "origin_server_ts": self.depth,
        }));
        json.extend(object(differs));
        let (name, key) = (&self.identity.server_name, &self.identity.key_pair);
        hash_and_sign_event(name.as_str(), key, &mut json, &self.rules.redaction).unwrap();
        let text = serde_json::to_string(&json).unwrap();
        decide_store(&text, &self.room, &self.rules, Signatures::Good).unwrap()
    }

    pub(crate) fn join(&mut self, prev: &[OwnedEventId]) -> ReceivedPdu {
        let join = self.event(
            prev,
            &json!({ "type": "m.room.member", "state_key": EVE, "content": { "membership": "join" } }),
        );
        // From here on her events stand on the power levels and her membership.
        self.auth.remove(0);
        self.auth.push(join.pdu.owned_event_id());
        join
    }

    pub(crate) async fn send(&self, ws: &WriteSide, pdus: &[&ReceivedPdu]) -> Vec<PduOutcome> {
        let incoming: Vec<Incoming> =
            pdus.iter().map(|pdu| Incoming { pdu: (*pdu).clone(), how: PlaceAs::live() }).collect();
        receive_pdus(ws, &self.room, &self.rules, &incoming).await.unwrap()
    }
}

pub(crate) async fn tips(ws: &WriteSide, room: &OwnedRoomId) -> Vec<OwnedEventId> {
    let fold = ws.room(room).await.unwrap();
    fold.tips().iter().map(|tip| tip.event_id.clone()).collect()
}

pub(crate) fn id(pdu: &ReceivedPdu) -> OwnedEventId {
    pdu.pdu.owned_event_id()
}

#[tokio::test(flavor = "multi_thread")]
async fn pdus_are_placed_once_and_forks_are_merged() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let join = remote.join(&tips(&ws, &room).await);
    let left = remote.event(&[id(&join)], &json!({}));
    let right = remote.event(&[id(&join)], &json!({}));
    let all = [&join, &left, &right];
    assert_eq!(remote.send(&ws, &all).await, [ACCEPTED; 3]);
    let fold = ws.room(&room).await.unwrap();
    let eve = UserId::parse(EVE).unwrap();
    assert_eq!(fold.membership(&eve), MembershipState::Join);
    assert_eq!(tips(&ws, &room).await, [id(&left), id(&right)]);

    // The same transaction again changes nothing.
    assert_eq!(remote.send(&ws, &all).await, [ACCEPTED; 3]);
    assert_eq!(ws.room(&room).await.unwrap(), fold);

    let merged = say(&ws, &room, "alice", "merges").await.unwrap().event_id;
    assert_eq!(tips(&ws, &room).await, [merged]);
    let live = ws.room(&room).await.unwrap();
    drop(ws);
    let ws = stage.open().await;
    assert_eq!(ws.room(&room).await.unwrap(), live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pdu_that_comes_too_early_waits_and_is_placed_later() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let join = remote.join(&tips(&ws, &room).await);
    let first = remote.event(&[id(&join)], &json!({}));
    let second = remote.event(&[id(&first)], &json!({}));
    assert_eq!(remote.send(&ws, &[&join]).await, [ACCEPTED]);
    let early = remote.send(&ws, &[&second]).await;
    let missing = PlaceFault::MissingPrevEvents(vec![id(&first)]);
    assert_eq!(early, [PduOutcome::Waiting(missing)]);
    // It is stored, and a restart does not lose it.
    ws.flush().await.unwrap();
    drop(ws);
    let ws = stage.open().await;
    assert!(ws.pdu(&room, &id(&second)).await.unwrap().is_some());
    assert_eq!(tips(&ws, &room).await, [id(&join)]);
    assert_eq!(remote.send(&ws, &[&first, &second]).await, [ACCEPTED; 2]);
    assert_eq!(tips(&ws, &room).await, [id(&second)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_after_a_state_long_forgotten_is_placed() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let join = remote.join(&tips(&ws, &room).await);
    remote.send(&ws, &[&join]).await;
    for i in 0..RECENT_STATES_MAX + 10 {
        say(&ws, &room, "alice", &i.to_string()).await.unwrap();
    }
    let fold = ws.room(&room).await.unwrap();
    assert!(fold.state_after(&id(&join)).is_none(), "it is forgotten");
    let late = remote.event(&[id(&join)], &json!({}));
    assert_eq!(remote.send(&ws, &[&late]).await, [ACCEPTED]);
    assert_eq!(tips(&ws, &room).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_forbid_is_rejected_and_never_an_extremity() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let join = remote.join(&tips(&ws, &room).await);
    let topic = json!({ "type": "m.room.topic", "state_key": "", "content": { "topic": "mine" } });
    let topic = remote.event(&[id(&join)], &topic);
    let outcomes = remote.send(&ws, &[&join, &topic]).await;
    assert_eq!(outcomes[0], ACCEPTED);
    assert!(matches!(outcomes[1], PduOutcome::Placed(Verdict::Reject(_))));
    assert_eq!(tips(&ws, &room).await, [id(&join)]);
    let fold = ws.room(&room).await.unwrap();
    assert!(fold.state_entry("m.room.topic", "").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_pdus_from_several_servers_are_stored_once() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let mut pdus = vec![remote.join(&tips(&ws, &room).await)];
    for _ in 0..20 {
        let prev = id(pdus.last().unwrap());
        pdus.push(remote.event(&[prev], &json!({})));
    }
    let before = ws.room(&room).await.unwrap().revision();
    let (remote, pdus) = (std::sync::Arc::new(remote), std::sync::Arc::new(pdus));
    let mut receiving = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (ws, remote, pdus) = (ws.clone(), remote.clone(), pdus.clone());
        receiving.spawn(async move { remote.send(&ws, &pdus.iter().collect::<Vec<_>>()).await });
    }
    for outcomes in receiving.join_all().await {
        assert_eq!(outcomes, vec![ACCEPTED; pdus.len()]);
    }
    let fold = ws.room(&room).await.unwrap();
    assert_eq!(fold.revision().0 - before.0, pdus.len() as u64);
    assert_eq!(tips(&ws, &room).await, [id(pdus.last().unwrap())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_extremities_are_merged_by_a_member() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let join = remote.join(&tips(&ws, &room).await);
    assert_eq!(remote.send(&ws, &[&join]).await, [ACCEPTED]);
    let mut forks = Vec::new();
    for _ in 0..10 {
        forks.push(remote.event(&[id(&join)], &json!({})));
    }
    assert_eq!(remote.send(&ws, &forks.iter().collect::<Vec<_>>()).await, [ACCEPTED; 10]);
    // As many as one event follows are let be.
    assert_eq!(tips(&ws, &room).await.len(), 10);
    assert_eq!(merge_extremities(&ws, &room).await.unwrap(), None);
    // One more, and a member of ours merges ten of them.
    let fork = remote.event(&[id(&join)], &json!({}));
    assert_eq!(remote.send(&ws, &[&fork]).await, [ACCEPTED]);
    let merged = tips(&ws, &room).await;
    assert_eq!(merged.len(), 2);
    let merge = ws.pdu(&room, merged.last().unwrap()).await.unwrap().unwrap();
    assert_eq!(merge.pdu.sender(), "@alice:example.org");
    assert_eq!(merge.pdu.prev_events().len(), 10);
    assert_eq!(merge.pdu.event_type().to_string(), "org.matrix.dummy_event");
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_extremities_are_merged_by_several_events_and_not_by_who_may_not_send() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let mut wish = CreateRoom::new(user("alice"), RoomVersionId::V12);
    wish.preset = Some(Preset::PublicChat);
    let muted = json!({ "users": { EVE: 60 }, "events_default": 50, "invite": 50 });
    wish.power_level_content_override = object(&muted);
    let room = create_room(&ws, &wish, false).await.unwrap();
    let details = MemberDetails::default();
    // In the order of members Aaron comes first, and may not.
    join_room(&ws, &room, user("aaron"), &details).await.unwrap();
    let mut remote = Remote::new(&ws, &room).await;
    let join = remote.join(&tips(&ws, &room).await);
    let mut all = vec![join.clone()];
    for _ in 0..30 {
        all.push(remote.event(&[id(&join)], &json!({})));
    }
    assert_eq!(remote.send(&ws, &all.iter().collect::<Vec<_>>()).await, [ACCEPTED; 31]);
    let merged = tips(&ws, &room).await;
    assert_eq!(merged.len(), 30 - 3 * 9);
    let merge = ws.pdu(&room, merged.last().unwrap()).await.unwrap().unwrap();
    assert_eq!(merge.pdu.sender(), "@alice:example.org");

    let live = ws.room(&room).await.unwrap();
    drop(ws);
    let ws = stage.open().await;
    assert_eq!(ws.room(&room).await.unwrap(), live);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_of_ours_may_send_extremities_stay() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let join = remote.join(&tips(&ws, &room).await);
    assert_eq!(remote.send(&ws, &[&join]).await, [ACCEPTED]);
    let leave = leave_room(&ws, &room, user("alice"), &MemberDetails::default()).await.unwrap();
    let mut forks = Vec::new();
    for _ in 0..12 {
        forks.push(remote.event(std::slice::from_ref(&leave.event_id), &json!({})));
    }
    assert_eq!(remote.send(&ws, &forks.iter().collect::<Vec<_>>()).await, [ACCEPTED; 12]);
    assert_eq!(tips(&ws, &room).await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_of_ours_becomes_an_event_of_theirs() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let room = room_of(&ws, "alice", Preset::PublicChat).await;
    let mut remote = Remote::new(&ws, &room).await;
    let eve = UserId::parse(EVE).unwrap();
    let content = object(&json!({ "membership": "join" }));
    let join = NewEvent::state(eve, "m.room.member", EVE, content);
    let template = template_event(&ws, &room, &join).await.unwrap();
    let template = serde_json::to_value(&template).unwrap();
    let join = remote.event(&[], &template);
    assert_eq!(remote.send(&ws, &[&join]).await, [ACCEPTED]);
    assert_eq!(tips(&ws, &room).await, [id(&join)]);
}
