//! Facts of one batch while they are decided.
//!
//! Owns [`RoomBatch`]: a provisional copy of the fold that evolves with each fact that is decided,
//! so that the second event of a batch stands on the first. The real fold is never touched; it
//! evolves with the same facts once the log gave positions, and is then equal to this one but for
//! the positions.

use facts::{
    LogPosition, Timestamp,
    fact::{Fact, PduContent, PduRedacted, PduStored, Placement},
};
use ruma::{EventId, OwnedEventId, OwnedUserId, ServerName, room_version_rules::RoomVersionRules};
use sha2::{Digest, Sha256};
use std::sync::Arc;

use super::{
    fold::RoomFold,
    new_event::{Approvals, EventSigner},
    provisional::{PROVISIONAL, entry_ref, provisional},
    refusal::RoomRefusal,
};
use crate::pdu::{KnownPdu, KnownPdus, Pdu, PduLookup, Standing};
use facts::fact::ClientTxn;

/// Bytes of the salt in our own events.
const SALT_BYTES: usize = 16;

/// What a decision about our own events is given besides the fold.
pub struct LocalContext<'a> {
    /// Our server name.
    pub server_name: &'a ServerName,
    /// The key that signs our events.
    pub key: &'a dyn EventSigner,
    /// The time of the request.
    pub now: Timestamp,
    /// Fresh secret randomness; salts and other choices are derived from it.
    pub entropy: [u8; 32],
    /// Index in the batch of the first fact of this decision: how many drafts stand before it.
    pub first_index: u32,
    /// Checks that passed before; none where nobody remembers them.
    pub approvals: Option<&'a Approvals>,
}

impl LocalContext<'_> {
    /// 32 bytes for one purpose; they tell nothing about those of another.
    pub(crate) fn derive(&self, purpose: &str, index: u32) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"chancery/decide/1");
        hash.update(self.entropy);
        hash.update(index.to_be_bytes());
        hash.update(purpose.as_bytes());
        hash.finalize().into()
    }

    pub(crate) fn salt(&self, index: u32) -> [u8; SALT_BYTES] {
        let derived = self.derive("salt", index);
        std::array::from_fn(|i| derived[i])
    }
}

/// A fact of a room with the people that its draft must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFact {
    /// The fact.
    pub fact: Fact,
    /// Who acts; `None` for the server.
    pub actor: Option<OwnedUserId>,
    /// Whose tree seals the content; `None` where no part is personal.
    pub person: Option<OwnedUserId>,
}

/// What was decided, to be appended as one.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The facts in order; none where the wish was fulfilled before (a transaction that is
    /// repeated, state that is set already).
    pub facts: Vec<RoomFact>,
    /// The event that fulfills the wish.
    pub event_id: OwnedEventId,
    /// The new PDUs, for caches.
    pub pdus: Vec<Arc<Pdu>>,
}

pub(crate) struct RoomBatch<'a> {
    pub(crate) fold: RoomFold,
    pub(crate) rules: RoomVersionRules,
    lookup: &'a dyn PduLookup,
    new: KnownPdus,
    first_index: u32,
    pub(crate) facts: Vec<RoomFact>,
    pub(crate) pdus: Vec<Arc<Pdu>>,
}

impl<'a> RoomBatch<'a> {
    pub(crate) fn new(
        fold: &RoomFold,
        rules: RoomVersionRules,
        lookup: &'a dyn PduLookup,
        first_index: u32,
    ) -> Self {
        Self {
            fold: fold.clone(),
            rules,
            lookup,
            new: KnownPdus::new(),
            first_index,
            facts: Vec::new(),
            pdus: Vec::new(),
        }
    }

    /// Index in the batch of the next fact.
    pub(crate) fn next_index(&self) -> u32 {
        self.first_index + u32::try_from(self.facts.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn required(&self, event_id: &EventId) -> Result<KnownPdu, RoomRefusal> {
        self.by_id(event_id).ok_or_else(|| RoomRefusal::MissingInput(event_id.to_owned()))
    }

    /// Adds a fact; the provisional fold has it at once.
    pub(crate) fn push(&mut self, fact: RoomFact) -> LogPosition {
        let position = provisional(self.next_index());
        self.fold.evolve(position, PROVISIONAL, &fact.fact);
        self.facts.push(fact);
        position
    }

    /// Adds a PDU that is stored and placed by one entry.
    pub(crate) fn push_pdu(
        &mut self,
        pdu: Arc<Pdu>,
        placement: Placement,
        txn: Option<ClientTxn>,
    ) -> Result<KnownPdu, RoomRefusal> {
        let standing = Standing::from(Some(&placement));
        let fact = self.stored(&pdu, placement, txn)?;
        let position = self.push(fact);
        let known = KnownPdu { position, pdu, standing };
        self.new.insert(known.clone());
        self.pdus.push(Arc::clone(&known.pdu));
        Ok(known)
    }

    /// Adds a PDU as the last fact of a decision: nothing reads the provisional fold afterwards, so
    /// it is left as it is. Saves the common case, one message, a second evolution.
    pub(crate) fn push_last_pdu(
        &mut self,
        pdu: Arc<Pdu>,
        placement: Placement,
        txn: Option<ClientTxn>,
    ) -> Result<(), RoomRefusal> {
        self.facts.push(self.stored(&pdu, placement, txn)?);
        self.pdus.push(pdu);
        Ok(())
    }

    fn stored(
        &self,
        pdu: &Pdu,
        placement: Placement,
        txn: Option<ClientTxn>,
    ) -> Result<RoomFact, RoomRefusal> {
        stored_fact(pdu, &self.rules, Some(placement), txn)
            .ok_or_else(|| RoomRefusal::Malformed("it cannot be redacted".to_owned()))
    }

    /// Remembers a PDU that an entry of this batch stores or places.
    pub(crate) fn learn(&mut self, known: KnownPdu) {
        self.new.insert(known);
    }

    /// Adds that `by` redacts `target`.
    pub(crate) fn push_redacted(&mut self, target: &KnownPdu, by: &KnownPdu) {
        let fact = PduRedacted { target: entry_ref(target.position), by: entry_ref(by.position) };
        self.push(RoomFact {
            fact: fact.into(),
            actor: Some(by.pdu.sender().to_owned()),
            person: None,
        });
    }

    pub(crate) fn into_decision(self, event_id: OwnedEventId) -> Decision {
        Decision { facts: self.facts, event_id, pdus: self.pdus }
    }
}

impl PduLookup for RoomBatch<'_> {
    fn by_id(&self, event_id: &EventId) -> Option<KnownPdu> {
        self.new.by_id(event_id).or_else(|| self.lookup.by_id(event_id))
    }
}

/// The fact that stores `pdu`; `None` where redaction cannot read it.
pub(crate) fn stored_fact(
    pdu: &Pdu,
    rules: &RoomVersionRules,
    placement: Option<Placement>,
    txn: Option<ClientTxn>,
) -> Option<RoomFact> {
    let parts = facts::pdu::split(pdu.json(), &rules.redaction).ok()?;
    let person = match pdu.state_key() {
        None => Some(pdu.sender().to_owned()),
        Some(member) if *pdu.event_type() == "m.room.member".into() => {
            // A member event of something that is no user is sealed with its sender's key.
            Some(ruma::UserId::parse(member).unwrap_or_else(|_| pdu.sender().to_owned()))
        }
        Some(_) => None,
    };
    let stored = PduStored {
        event_id: pdu.event_id().to_string(),
        is_state: pdu.state_key().is_some(),
        redacted: parts.redacted,
        residue: parts.residue,
        placement,
        content: Some(PduContent { rest: parts.rest, whole: parts.whole, txn }),
    };
    Some(RoomFact { fact: stored.into(), actor: Some(pdu.sender().to_owned()), person })
}
