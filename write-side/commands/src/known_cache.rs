//! PDUs with where they stand, as decisions read them lately.
//!
//! Owns the short way for the events that authorize one message after the other. Each is kept with
//! the number of placements that this process had made when it was loaded: once another one was
//! made, where it stands may have changed, and it is loaded anew. Invariant: I10.

use std::collections::HashMap;

use decide::pdu::KnownPdu;
use facts::LogPosition;
use parking_lot::Mutex;

use crate::pdus::CACHED_PDUS_MAX;

/// The cache.
#[derive(Default)]
pub(crate) struct KnownCache(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// How often everything was forgotten.
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
    /// everything was forgotten since.
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

    /// Forgets everything: keys were destroyed, and what they open may be here.
    pub(crate) fn wipe(&self) {
        let mut known = self.0.lock();
        *known = Known { wiped: known.wiped + 1, pdus: HashMap::new() };
    }
}
