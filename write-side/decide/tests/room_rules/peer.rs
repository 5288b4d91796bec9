//! Another server: builds and signs PDUs of any shape, at any place of the graph.

use decide::{
    pdu::{KnownPdus, PduLookup},
    room::{
        DropReason, ForeignBatch, PlaceAs, PlaceFault, ReceivedPdu, RoomState, Signatures,
        decide_store,
    },
};
use facts::fact::Verdict;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, OwnedEventId, OwnedUserId, UserId,
    events::TimelineEventType,
    serde::Base64,
    signatures::{PublicKeyMap, hash_and_sign_event, reference_hash},
    state_res::auth_types_for_event,
};

use crate::world::{World, key};

pub(crate) fn stranger(name: &str) -> OwnedUserId {
    UserId::parse(format!("@{name}:there.test")).unwrap()
}

/// Keys of both servers.
pub(crate) fn keys() -> PublicKeyMap {
    [("here.test", 1), ("there.test", 2)]
        .into_iter()
        .map(|(server, seed)| {
            let keys = [("ed25519:test".to_owned(), Base64::new(key(seed).public_key().to_vec()))];
            (server.to_owned(), keys.into())
        })
        .collect()
}

/// A PDU that the other server will send.
pub(crate) struct Foreign {
    pub(crate) sender: OwnedUserId,
    pub(crate) event_type: &'static str,
    pub(crate) state_key: Option<String>,
    pub(crate) content: serde_json::Value,
    pub(crate) prev: Vec<OwnedEventId>,
    pub(crate) auth: Vec<OwnedEventId>,
    pub(crate) ts: u64,
    pub(crate) redacts: Option<OwnedEventId>,
}

impl Foreign {
    /// After `prev`, authorized by `state`.
    #[expect(clippy::too_many_arguments, reason = "an event has that many parts")]
    pub(crate) fn after(
        world: &World,
        state: &RoomState,
        prev: &[&EventId],
        sender: &UserId,
        event_type: &'static str,
        state_key: Option<&str>,
        content: serde_json::Value,
    ) -> Self {
        let rules = world.fold.rules().unwrap();
        let raw = serde_json::value::to_raw_value(&content).unwrap();
        let auth = auth_types_for_event(
            &TimelineEventType::from(event_type),
            sender,
            state_key,
            &raw,
            &rules.authorization,
        )
        .unwrap()
        .into_iter()
        .filter_map(|(event_type, key)| {
            let entry = state.get(&decide::room::state_key(&event_type, key))?;
            Some(entry.event_id.clone())
        })
        .collect();
        Self {
            sender: sender.to_owned(),
            event_type,
            state_key: state_key.map(ToOwned::to_owned),
            content,
            prev: prev.iter().map(|id| (*id).to_owned()).collect(),
            auth,
            ts: 1_700_000_500_000,
            redacts: None,
        }
    }

    pub(crate) fn at(mut self, ts: u64) -> Self {
        self.ts = ts;
        self
    }

    /// The signed PDU as JSON, with its id.
    pub(crate) fn build(&self, world: &World) -> (OwnedEventId, CanonicalJsonObject) {
        let rules = world.fold.rules().unwrap();
        let ids = |ids: &[OwnedEventId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut json = serde_json::json!({
            "room_id": world.fold.room_id(),
            "sender": self.sender,
            "type": self.event_type,
            "content": self.content,
            "prev_events": ids(&self.prev),
            "auth_events": ids(&self.auth),
            "depth": 50,
            "origin_server_ts": self.ts,
        });
        if let Some(state_key) = &self.state_key {
            json["state_key"] = state_key.as_str().into();
        }
        if let Some(redacts) = &self.redacts {
            json["redacts"] = redacts.as_str().into();
        }
        let CanonicalJsonValue::Object(mut json) = json.try_into().unwrap() else {
            unreachable!("an object was built");
        };
        hash_and_sign_event(
            self.sender.server_name().as_str(),
            &key(if self.sender.server_name() == "here.test" { 1 } else { 2 }),
            &mut json,
            &rules.redaction,
        )
        .unwrap();
        let hash = reference_hash(&json, &rules).unwrap();
        (EventId::parse(format!("${hash}")).unwrap(), json)
    }

    pub(crate) fn received(&self, world: &World) -> ReceivedPdu {
        receive(world, &self.build(world).1).unwrap()
    }
}

pub(crate) fn receive(
    world: &World,
    json: &CanonicalJsonObject,
) -> Result<ReceivedPdu, DropReason> {
    decide_store(
        &serde_json::to_string(json).unwrap(),
        world.fold.room_id(),
        &world.fold.rules().unwrap(),
        Signatures::Keys(&keys()),
    )
}

/// Runs `work` on a batch, loading what it names as missing, then appends the facts.
pub(crate) fn batch<T>(
    world: &mut World,
    work: impl Fn(&mut ForeignBatch<'_>) -> Result<T, PlaceFault>,
) -> Result<T, PlaceFault> {
    let rules = world.fold.rules().unwrap();
    let mut loaded = KnownPdus::new();
    // As many rounds as a caller would allow.
    for _ in 0..8 {
        let mut batch = ForeignBatch::new(&world.fold, rules.clone(), &loaded, 0);
        match work(&mut batch) {
            Ok(done) => {
                let facts = batch.finish();
                world.append(facts, 0);
                return Ok(done);
            }
            Err(PlaceFault::MissingInputs(ids) | PlaceFault::MissingAuthEvents(ids))
                if ids.iter().all(|id| world.known.by_id(id).is_some())
                    && ids.iter().any(|id| !loaded.contains(id)) =>
            {
                loaded.extend(ids.iter().filter_map(|id| world.known.by_id(id)));
            }
            Err(other) => return Err(other),
        }
    }
    panic!("the batch names ever more inputs");
}

/// Stores and places one PDU. The target of a redaction is loaded where it exists.
pub(crate) fn place(
    world: &mut World,
    foreign: &Foreign,
    how: &PlaceAs,
) -> Result<(OwnedEventId, Verdict), PlaceFault> {
    let received = foreign.received(world);
    let id = received.pdu.owned_event_id();
    let needed =
        decide::room::needed_for_placing(&world.fold, &world.fold.rules().unwrap(), &received.pdu);
    let rules = world.fold.rules().unwrap();
    let mut loaded: KnownPdus =
        needed.iter().filter_map(|needed| world.known.by_id(&needed.event_id)).collect();
    for _ in 0..8 {
        let mut batch = ForeignBatch::new(&world.fold, rules.clone(), &loaded, 0);
        match batch.store_and_place(received.clone(), how.clone()) {
            Ok(verdict) => {
                let facts = batch.finish();
                world.append(facts, 0);
                return Ok((id, verdict));
            }
            Err(PlaceFault::MissingInputs(ids)) if ids.iter().any(|id| !loaded.contains(id)) => {
                loaded.extend(ids.iter().filter_map(|id| world.known.by_id(id)));
            }
            Err(other) => return Err(other),
        }
    }
    panic!("the placement names ever more inputs");
}
