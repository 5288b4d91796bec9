//! PDUs with where they stand, as decisions read them lately.
//!
//! Owns the short way for the events that authorize one message after the other. Each is kept with
//! the number of placements that this process had made when it was loaded: once another one was
//! made, where it stands may have changed, and it is loaded anew. Invariant: I10.

use std::collections::{HashMap, HashSet};

use decide::pdu::KnownPdu;
use facts::LogPosition;
use parking_lot::Mutex;

use crate::pdus::CACHED_PDUS_MAX;

/// The cache.
#[derive(Default)]
pub(crate) struct KnownCache(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// How often keys were destroyed.
    wiped: u64,
    pdus: HashMap<LogPosition, (u64, KnownPdu)>,
}

impl KnownCache {
    /// The PDU stored at `position`, if it was loaded after the latest of `placements`.
    pub(crate) fn get(&self, position: LogPosition, placements: u64) -> Option<KnownPdu> {
        let known = self.0.lock();
        let (loaded_at, pdu) = known.pdus.get(&position)?;
        (*loaded_at == placements).then(|| pdu.clone())
    }

    /// Keeps a PDU that was loaded after `placements` were counted and `wiped` was asked, unless
    /// keys were destroyed since.
    pub(crate) fn keep(&self, pdu: KnownPdu, placements: u64, wiped: u64) {
        let mut known = self.0.lock();
        if known.wiped != wiped {
            return;
        }
        if known.pdus.len() >= CACHED_PDUS_MAX {
            known.pdus.clear();
        }
        known.pdus.insert(pdu.position, (placements, pdu));
    }

    pub(crate) fn wiped(&self) -> u64 {
        self.0.lock().wiped
    }

    /// Keys were destroyed: forgets all but the PDUs that are `left`.
    pub(crate) fn forget_all_but(&self, left: &HashSet<LogPosition>) {
        let mut known = self.0.lock();
        known.wiped += 1;
        known.pdus.retain(|position, _| left.contains(position));
    }
}
