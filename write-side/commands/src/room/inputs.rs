//! The PDUs that a decision reads, loaded before it is made.
//!
//! Owns loading by event id with each PDU's standing. Nothing is loaded under a room's lock.

use std::{collections::HashSet, sync::Arc};

use decide::{
    pdu::{KnownPdu, KnownPdus, Standing},
    room::Needed,
};
use facts::Fact;
use ruma::{EventId, OwnedEventId, RoomId};

use crate::{Fault, StoredPdu, WriteSide};

/// What is loaded so far, and what turned out not to exist.
#[derive(Default)]
pub(crate) struct Inputs {
    pub(crate) known: KnownPdus,
    absent: HashSet<OwnedEventId>,
    /// Loaded before it was stored or placed.
    stale: HashSet<OwnedEventId>,
}

impl Inputs {
    /// The first of `needed` was not tried yet.
    pub(crate) fn lacks(&self, needed: &[Needed]) -> bool {
        needed.iter().any(|need| !self.was_tried(&need.event_id))
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

    /// Loads what was not tried yet.
    pub(crate) async fn load(
        &mut self,
        write_side: &WriteSide,
        room: &RoomId,
        needed: impl IntoIterator<Item = OwnedEventId>,
    ) -> Result<(), Fault> {
        for event_id in needed {
            if self.was_tried(&event_id) {
                continue;
            }
            self.stale.remove(&event_id);
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
        let Some(stored) = self.pdu(room, event_id).await? else {
            return Ok(None);
        };
        Ok(Some(KnownPdu {
            position: stored.position,
            standing: self.standing(&stored).await?,
            pdu: Arc::clone(&stored.pdu),
        }))
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
