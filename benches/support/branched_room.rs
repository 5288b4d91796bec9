//! A large room whose history has come apart into branches.
//!
//! Owns its index, the state at each forward extremity and the PDUs of all its state events.

use decide::{
    pdu::{KnownPdu, KnownPdus, Pdu, Standing},
    room::{AuthIndex, IndexedEvent, RoomState, StateEntry, state_key},
};
use facts::{
    LogPosition,
    fact::{PlacementKind, Verdict},
};
use ruma::{
    CanonicalJsonObject, EventId, OwnedEventId, OwnedRoomId, RoomId, RoomVersionId,
    room_version_rules::RoomVersionRules,
};
use serde_json::{Value, json};

/// State events of the room.
const EVENTS: usize = 30_000;
/// Forward extremities.
const BRANCHES: usize = 20;
/// State events of each branch, and how many of each kind of them.
const BRANCH_EVENTS: usize = 50;
const A_THIRD: usize = 16;
/// Branches that change the power levels.
const LEVEL_BRANCHES: usize = 5;

/// What resolution is asked about.
pub(crate) struct BranchedRoom {
    /// By the room's version.
    pub(crate) rules: RoomVersionRules,
    /// Who authorizes whom.
    pub(crate) index: AuthIndex,
    /// The state after each extremity.
    pub(crate) states: Vec<RoomState>,
    /// All state events.
    pub(crate) pdus: KnownPdus,
    /// Places in the room's state.
    pub(crate) keys: usize,
}

struct Builder {
    room_id: OwnedRoomId,
    rules: RoomVersionRules,
    index: AuthIndex,
    pdus: KnownPdus,
}

impl BranchedRoom {
    /// A room of a version that has the second state resolution.
    pub(crate) fn new(version: &RoomVersionId) -> Self {
        let rules = version.rules().expect("a known version");
        let creator_rules = rules.authorization.room_create_event_id_as_room_id;
        // The create event is event 0; where its id is the room's, they are the same letters.
        let server = if creator_rules { String::new() } else { ":bench.example".to_owned() };
        let room_id = RoomId::parse(format!("!{:0>43}{server}", 0)).expect("a room id");
        let mut room =
            Builder { room_id, rules, index: AuthIndex::default(), pdus: KnownPdus::new() };
        let shared = room.trunk(EVENTS - BRANCHES * BRANCH_EVENTS);
        let states: Vec<_> =
            (0..BRANCHES).map(|branch| room.branch(branch, shared.clone())).collect();
        Self { keys: shared.len(), rules: room.rules, index: room.index, states, pdus: room.pdus }
    }
}

fn user(number: usize) -> String {
    format!("@u{number}:bench.example")
}

fn event_id(number: usize) -> OwnedEventId {
    EventId::parse(format!("${number:0>43}")).expect("an event id")
}

impl Builder {
    /// What all branches share.
    fn trunk(&mut self, events: usize) -> RoomState {
        let mut state = RoomState::new();
        let version =
            if self.rules.authorization.room_create_event_id_as_room_id { "12" } else { "11" };
        self.add(&mut state, 0, "m.room.create", "", &json!({"room_version": version}));
        self.add(&mut state, 0, "m.room.member", &user(0), &join("creator"));
        self.add(&mut state, 0, "m.room.power_levels", "", &self.levels(0));
        self.add(&mut state, 0, "m.room.join_rules", "", &json!({"join_rule": "public"}));
        let visibility = json!({"history_visibility": "shared"});
        self.add(&mut state, 0, "m.room.history_visibility", "", &visibility);
        self.add(&mut state, 0, "m.room.topic", "", &json!({"topic": "at first"}));
        for number in 1..=events - self.index.len() {
            self.add(&mut state, number, "m.room.member", &user(number), &join("as it was"));
        }
        state
    }

    /// What an administrator and the members of one branch did.
    fn branch(&mut self, branch: usize, mut state: RoomState) -> RoomState {
        let admin = branch + 1;
        let topic = json!({"topic": format!("on branch {branch}")});
        self.add(&mut state, admin, "m.room.topic", "", &topic);
        if branch < LEVEL_BRANCHES {
            self.add(&mut state, admin, "m.room.power_levels", "", &self.levels(branch + 1));
        } else {
            self.add(&mut state, admin, "m.room.member", &user(admin), &join("an administrator"));
        }
        let name = format!("on branch {branch}");
        for number in 0..A_THIRD {
            let (shared, removed) = (1_000 + number, 2_000 + number + branch);
            let own = 10_000 + branch * A_THIRD + number;
            self.add(&mut state, shared, "m.room.member", &user(shared), &join(&name));
            let kick = json!({"membership": "leave"});
            self.add(&mut state, admin, "m.room.member", &user(removed), &kick);
            self.add(&mut state, own, "m.room.member", &user(own), &join(&name));
        }
        state
    }

    fn levels(&self, change: usize) -> Value {
        let mut users: serde_json::Map<_, _> =
            (1..=BRANCHES).map(|admin| (user(admin), json!(100))).collect();
        // A version in which creators stand above all levels does not let them be listed.
        if !self.rules.authorization.explicitly_privilege_room_creators {
            users.insert(user(0), json!(100));
        }
        json!({"users": users, "events": {"m.room.name": change}, "state_default": 50})
    }

    /// Adds a state event that follows all others and is authorized by `state`, which it changes.
    fn add(
        &mut self,
        state: &mut RoomState,
        sender: usize,
        event_type: &str,
        key: &str,
        content: &Value,
    ) {
        let number = self.index.len();
        let position = LogPosition(u64::try_from(number).expect("few") + 1);
        let event_id = event_id(number);
        let auth = self.authorizing(state, sender, event_type, key);
        let mut json = json!({
            "type": event_type,
            "state_key": key,
            "sender": user(sender),
            "content": content,
            "auth_events": auth.iter().map(|entry| &entry.event_id).collect::<Vec<_>>(),
            "prev_events": number.checked_sub(1).map(self::event_id).into_iter().collect::<Vec<_>>(),
            "depth": number,
            "origin_server_ts": 1_790_000_000_000_u64 + u64::try_from(number).expect("few"),
        });
        if number > 0 || !self.rules.authorization.room_create_event_id_as_room_id {
            json["room_id"] = json!(self.room_id);
        }
        let object: CanonicalJsonObject = serde_json::from_value(json).expect("canonical JSON");
        let pdu = Pdu::from_json(event_id.clone(), &self.room_id, object).expect("a PDU");
        let standing = Standing::Placed {
            verdict: Verdict::Accept,
            kind: PlacementKind::Live,
            timeline: None,
        };
        self.pdus.insert(KnownPdu { position, pdu: pdu.into(), standing });
        let indexed = IndexedEvent {
            event_id: event_id.clone(),
            key: state_key(event_type, key),
            membership: content["membership"].as_str().map(ToOwned::to_owned),
            auth: auth.iter().map(|entry| entry.position).collect(),
            rejected: false,
        };
        self.index.insert(position, indexed);
        state.insert(state_key(event_type, key), StateEntry { position, event_id });
    }

    fn authorizing(
        &self,
        state: &RoomState,
        sender: usize,
        event_type: &str,
        key: &str,
    ) -> Vec<StateEntry> {
        let mut keys =
            vec![state_key("m.room.power_levels", ""), state_key("m.room.member", user(sender))];
        if !self.rules.authorization.room_create_event_id_as_room_id {
            keys.push(state_key("m.room.create", ""));
        }
        if event_type == "m.room.member" {
            keys.extend([state_key("m.room.join_rules", ""), state_key("m.room.member", key)]);
        }
        keys.sort();
        keys.dedup();
        keys.iter().filter_map(|key| state.get(key).cloned()).collect()
    }
}

fn join(name: &str) -> Value {
    json!({"membership": "join", "displayname": name})
}
