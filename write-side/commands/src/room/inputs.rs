//! The PDUs that a decision reads, loaded before it is made.
//!
//! Owns loading by event id with each PDU's standing. Nothing is loaded under a room's lock.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use decide::{
    pdu::{KnownPdu, KnownPdus, Standing},
    room::Needed,
};
use facts::{
    Fact, LogPosition,
    fact::{RejectReason, Verdict},
};
use ruma::{EventId, OwnedEventId, RoomId};

use crate::{Core, Fault, StoredPdu, WriteSide};

/// What is loaded so far, and what turned out not to exist.
#[derive(Default)]
pub(crate) struct Inputs {
    pub(crate) known: KnownPdus,
    absent: HashSet<OwnedEventId>,
    /// Loaded before it was stored or placed by this command.
    stale: HashSet<OwnedEventId>,
    /// Where each stood when it was loaded.
    seen_at: HashMap<OwnedEventId, Whereabouts>,
}

/// Where a PDU is stored, and the entry that placed it last if that is another one.
type Whereabouts = Option<(LogPosition, Option<LogPosition>)>;

fn whereabouts(core: &Core, event_id: &EventId) -> Result<Whereabouts, Fault> {
    let Some(position) = core.event_position(event_id.as_str())? else {
        return Ok(None);
    };
    Ok(Some((position, core.placement(position)?)))
}

impl Inputs {
    /// Takes what the fold names by position from memory, where nothing was placed since it was
    /// loaded. Asked under the room's lock.
    pub(crate) fn take_known(&mut self, write_side: &WriteSide, need: &Needed) {
        if let Some(position) = need.position
            && !self.known.contains(&need.event_id)
            && let Some(known) =
                write_side.known_cache().get(position, write_side.core().placements())
        {
            self.known.insert(known);
        }
    }

    /// Whether one of `needed` must be loaded, or loaded again: what may be absent or unplaced
    /// can have been stored or placed since. Asked under the room's lock.
    pub(crate) fn lacks(&self, core: &Core, need: &Needed) -> Result<bool, Fault> {
        if !self.was_tried(&need.event_id) {
            return Ok(true);
        }
        Ok(need.optional && !self.is_current(core, &need.event_id)?)
    }

    fn is_current(&self, core: &Core, event_id: &EventId) -> Result<bool, Fault> {
        let now = whereabouts(core, event_id)?;
        Ok(self.seen_at.get(event_id).is_some_and(|seen| *seen == now))
    }

    /// Fails where a decision requires a PDU that does not exist: the fold names what the log
    /// does not have.
    pub(crate) fn check(&self, event_ids: &[OwnedEventId], required: bool) -> Result<(), Fault> {
        match event_ids.iter().find(|id| self.absent.contains(*id)) {
            Some(absent) if required => Err(Fault::Unfit(format!(
                "event {absent} is named by a room's fold and is not stored"
            ))),
            _ => Ok(()),
        }
    }

    /// Forgets what is known of a PDU: it was stored or placed since.
    pub(crate) fn forget(&mut self, event_id: &EventId) {
        self.absent.remove(event_id);
        self.stale.insert(event_id.to_owned());
    }

    pub(crate) fn was_tried(&self, event_id: &EventId) -> bool {
        !self.stale.contains(event_id)
            && (self.known.contains(event_id) || self.absent.contains(event_id))
    }

    /// Loads what was not tried yet, and what has changed since.
    pub(crate) async fn load(
        &mut self,
        write_side: &WriteSide,
        room: &RoomId,
        needed: Vec<OwnedEventId>,
    ) -> Result<(), Fault> {
        for event_id in needed {
            if self.was_tried(&event_id) && self.is_current(write_side.core(), &event_id)? {
                continue;
            }
            self.stale.remove(&event_id);
            self.absent.remove(&event_id);
            // Noted before it is read: what changes in between is seen as a change.
            let seen = whereabouts(write_side.core(), &event_id)?;
            self.seen_at.insert(event_id.clone(), seen);
            match write_side.known_pdu(room, &event_id).await? {
                Some(known) => self.known.insert(known),
                None => {
                    self.absent.insert(event_id);
                }
            }
        }
        Ok(())
    }
}

impl WriteSide {
    /// A PDU of a room with where it stands now.
    pub async fn known_pdu(
        &self,
        room: &RoomId,
        event_id: &EventId,
    ) -> Result<Option<KnownPdu>, Fault> {
        // Counted before it is read: what is placed in between counts as later.
        let (placements, wiped) = (self.core().placements(), self.known_cache().wiped());
        let Some(stored) = self.pdu(room, event_id).await? else {
            return Ok(None);
        };
        let known = KnownPdu {
            position: stored.position,
            standing: self.standing(&stored).await?,
            pdu: Arc::clone(&stored.pdu),
        };
        self.known_cache().keep(known.clone(), placements, wiped);
        Ok(Some(known))
    }

    /// The verdict on the message at `position`, where only a stub of it is left.
    pub(crate) async fn verdict_of_stub(
        &self,
        position: LogPosition,
    ) -> Result<Option<Verdict>, Fault> {
        let Some(stub) = self.stub_at(position).await? else { return Ok(None) };
        let placed = match self.core().placement(position)? {
            Some(at) => self.read_fact(at).await?,
            None => None,
        };
        let verdict = match (&placed, &stub.placement) {
            (Some(Fact::PduPlaced(placed)), _) => placed.placement.verdict,
            (_, Some(first)) => first.verdict,
            // It was never placed, and never will be.
            (_, None) => Verdict::Reject(RejectReason::StateIndependent),
        };
        Ok(Some(verdict))
    }

    async fn standing(&self, stored: &StoredPdu) -> Result<Standing, Fault> {
        if let Some(at) = self.core().placement(stored.position)?
            && let Some(Fact::PduPlaced(placed)) = self.read_fact(at).await?
        {
            return Ok(Standing::from(Some(&placed.placement)));
        }
        Ok(Standing::from(stored.first_placement.as_deref()))
    }
}
