//! A room with a log in memory: hands decisions only what they name, and applies their facts.

use std::{borrow::Borrow, sync::Arc};

use decide::{
    pdu::{KnownPdu, KnownPdus, Pdu, PduLookup, Standing, stub_of},
    room::{
        CreateRoom, Decision, LocalContext, NewEvent, RoomFact, RoomFold, RoomRefusal,
        decide_create_room, decide_new_event, needed_for,
    },
};
use facts::{LogPosition, StreamId, Timestamp, fact::Fact};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, EventId, OwnedEventId, OwnedServerName, OwnedUserId,
    RoomId, ServerName, UserId, signatures::Ed25519KeyPair,
};

pub(crate) fn user(name: &str) -> OwnedUserId {
    UserId::parse(format!("@{name}:here.test")).unwrap()
}

pub(crate) fn content(value: serde_json::Value) -> CanonicalJsonObject {
    match CanonicalJsonValue::try_from(value).unwrap() {
        CanonicalJsonValue::Object(content) => content,
        other => panic!("no object: {other:?}"),
    }
}

/// A key whose seed is `byte` 32 times.
pub(crate) fn key(byte: u8) -> Ed25519KeyPair {
    // PKCS#8 version 1 of an Ed25519 key: a fixed head, then the seed.
    let mut der = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    der.extend([byte; 32]);
    Ed25519KeyPair::from_der(&der, "test".to_owned()).unwrap()
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) position: LogPosition,
    pub(crate) batch: LogPosition,
    pub(crate) fact: Fact,
}

pub(crate) struct World {
    pub(crate) fold: RoomFold,
    pub(crate) known: KnownPdus,
    pub(crate) entries: Vec<Entry>,
    server: OwnedServerName,
    key: Ed25519KeyPair,
    next: u64,
    now: u64,
}

impl World {
    pub(crate) fn empty() -> Self {
        Self::of_room(RoomId::parse("!none:here.test").unwrap())
    }

    pub(crate) fn of_room(room_id: ruma::OwnedRoomId) -> Self {
        Self {
            fold: RoomFold::new(StreamId(100), room_id),
            known: KnownPdus::new(),
            entries: Vec::new(),
            server: ServerName::parse("here.test").unwrap(),
            key: key(1),
            next: 101,
            now: 1_700_000_000_000,
        }
    }

    pub(crate) fn create(wish: &CreateRoom) -> Self {
        Self::try_create(wish).unwrap()
    }

    pub(crate) fn try_create(wish: &CreateRoom) -> Result<Self, RoomRefusal> {
        let mut world = Self::empty();
        // One draft stands before the room's facts: the stream's first entry.
        let created = decide_create_room(wish, &world.context(1))?;
        world.fold = RoomFold::new(StreamId(100), created.room_id);
        world.next = 100;
        world.append(created.facts, 1);
        Ok(world)
    }

    pub(crate) fn context(&self, first_index: u32) -> LocalContext<'_> {
        let mut entropy = [7; 32];
        entropy[..8].copy_from_slice(&self.next.to_be_bytes());
        LocalContext {
            server_name: &self.server,
            key: &self.key,
            now: Timestamp(self.now),
            entropy,
            first_index,
            approvals: None,
        }
    }

    /// Appends facts as one batch, behind `before` drafts of other streams.
    pub(crate) fn append(&mut self, facts: Vec<RoomFact>, before: u64) {
        let batch = LogPosition(self.next);
        self.next += before;
        for fact in facts {
            let position = LogPosition(self.next);
            self.next += 1;
            self.fold.evolve(position, batch, &fact.fact);
            self.learn(position, batch, &fact.fact);
            self.entries.push(Entry { position, batch, fact: fact.fact });
        }
        self.now += 1_000;
    }

    fn learn(&mut self, position: LogPosition, batch: LogPosition, fact: &Fact) {
        match fact {
            Fact::PduStored(stored) => self.known.insert(KnownPdu {
                position,
                pdu: Arc::new(Pdu::from_stored(self.fold.room_id(), stored).unwrap()),
                standing: Standing::from(stored.placement.as_ref()),
            }),
            Fact::PduPlaced(placed) => {
                let position = placed.pdu.resolve(batch);
                let id = self.id_at(position);
                let mut known = self.known.by_id(&id).unwrap();
                known.standing = Standing::from(Some(&placed.placement));
                self.known.insert(known);
            }
            _ => {}
        }
    }

    fn id_at(&self, position: LogPosition) -> OwnedEventId {
        self.entries
            .iter()
            .filter(|entry| entry.position == position)
            .find_map(|entry| match &entry.fact {
                Fact::PduStored(stored) => Some(EventId::parse(&stored.event_id).unwrap()),
                _ => None,
            })
            .unwrap()
    }

    /// Decides with nothing loaded but what the decision named.
    pub(crate) fn decide(&self, event: impl Borrow<NewEvent>) -> Result<Decision, RoomRefusal> {
        let event = event.borrow();
        let loaded: KnownPdus = needed_for(&self.fold, event)
            .into_iter()
            .filter_map(|needed| self.known.by_id(&needed.event_id))
            .collect();
        decide_new_event(&self.fold, event, &self.context(0), &loaded)
    }

    pub(crate) fn send(&mut self, event: NewEvent) -> Result<OwnedEventId, RoomRefusal> {
        let decision = self.decide(event)?;
        self.append(decision.facts, 0);
        Ok(decision.event_id)
    }

    pub(crate) fn pdu(&self, event_id: &EventId) -> Arc<Pdu> {
        self.known.by_id(event_id).unwrap().pdu
    }

    pub(crate) fn position_of(&self, event_id: &EventId) -> LogPosition {
        self.known.by_id(event_id).unwrap().position
    }

    pub(crate) fn state_pdu(&self, event_type: &str, key: &str) -> Arc<Pdu> {
        let entry = self.fold.state_entry(event_type, key).unwrap();
        self.pdu(&entry.event_id)
    }

    /// The stored bytes read again, the facts applied again, and a written fold read again give
    /// the same fold.
    pub(crate) fn assert_replay_is_equal(&self) {
        let mut replayed = RoomFold::new(self.fold.stream(), self.fold.room_id().to_owned());
        for entry in &self.entries {
            let parts = entry.fact.to_parts();
            let bytes: Vec<_> = parts.iter().map(|part| Some(&*part.bytes)).collect();
            let fact = Fact::from_parts(entry.fact.fact_type(), entry.fact.version(), &bytes)
                .unwrap()
                .unwrap();
            replayed.evolve(entry.position, entry.batch, &fact);
        }
        assert_eq!(replayed, self.fold);
        let written = serde_json::to_vec(&self.fold).unwrap();
        let read: RoomFold = serde_json::from_slice(&written).unwrap();
        assert_eq!(read, self.fold);
        self.assert_stubs_give_the_fold();
    }

    /// The same facts, with stubs in place of all messages that are placed, or of every other one,
    /// give the same fold but for clients' transactions.
    pub(crate) fn assert_stubs_give_the_fold(&self) {
        for (step, first) in [(1, 0), (2, 0), (2, 1)] {
            let mut replayed = RoomFold::new(self.fold.stream(), self.fold.room_id().to_owned());
            let mut messages = 0;
            for entry in &self.entries {
                let stub = self.stub(entry).filter(|_| {
                    messages += 1;
                    messages % step == first
                });
                let fact = stub.unwrap_or_else(|| entry.fact.clone());
                replayed.evolve(entry.position, entry.batch, &fact);
            }
            assert_eq!(without_txns(&replayed), without_txns(&self.fold), "{first} of {step}");
            assert_eq!(replayed.revision(), self.fold.revision());
        }
    }

    /// What stands for a placed message once it is destroyed.
    pub(crate) fn stub(&self, entry: &Entry) -> Option<Fact> {
        let Fact::PduStored(stored) = &entry.fact else { return None };
        if self.fold.unsettled().any(|(position, _)| position == entry.position) {
            return None;
        }
        stub_of(self.fold.room_id(), entry.position, stored).map(Fact::PduStub)
    }
}

fn without_txns(fold: &RoomFold) -> serde_json::Value {
    let mut written = serde_json::to_value(fold).unwrap();
    assert!(written.as_object_mut().unwrap().remove("txns").is_some());
    written
}
