//! One-time and fallback keys of a device, for one algorithm.
//!
//! Owns their order and the memory of what was handed out. A key is handed out once, for ever:
//! a claimed id stays known for a while, so that a client that repeats an upload whose answer was
//! lost cannot bring a claimed key back.

use std::collections::VecDeque;

use facts::LogPosition;
use serde::{Deserialize, Serialize};

use super::Fingerprint;

/// So many claimed ids are remembered for each device and algorithm.
const CLAIMED_REMEMBERED_MAX: usize = 1_000;

/// A one-time key that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeKey {
    /// Algorithm and key id (`signed_curve25519:AAAAHQ`).
    pub id: String,
    /// Of its JSON.
    pub fingerprint: Fingerprint,
    /// The `OneTimeKeysAdded` entry that holds it.
    pub at: LogPosition,
}

/// A fallback key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackKey {
    /// Algorithm and key id.
    pub id: String,
    /// Of its JSON.
    pub fingerprint: Fingerprint,
    /// The `FallbackKeysSet` entry that holds it.
    pub at: LogPosition,
    /// True once it was handed out.
    pub used: bool,
}

/// Keys of one algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTimeKeys {
    /// Keys that wait, in the order of upload.
    pub waiting: VecDeque<OneTimeKey>,
    /// The fallback key.
    pub fallback: Option<FallbackKey>,
    claimed: VecDeque<Fingerprint>,
}

impl OneTimeKeys {
    /// Whether a key of this id was handed out.
    pub(super) fn was_claimed(&self, id: &str) -> bool {
        self.claimed.contains(&Fingerprint::of(&[id.as_bytes()]))
    }

    /// Takes a key away. Gives the entry that held it if no other waiting key stands there.
    pub(super) fn remove(&mut self, id: &str) -> Option<LogPosition> {
        let index = self.waiting.iter().position(|key| key.id == id)?;
        let key = self.waiting.remove(index)?;
        if self.claimed.len() == CLAIMED_REMEMBERED_MAX {
            self.claimed.pop_front();
        }
        self.claimed.push_back(Fingerprint::of(&[id.as_bytes()]));
        (!self.waiting.iter().any(|other| other.at == key.at)).then_some(key.at)
    }
}

/// The algorithm of a key id.
pub(super) fn algorithm_of(key_id: &str) -> Option<&str> {
    let (algorithm, id) = key_id.split_once(':')?;
    (!algorithm.is_empty() && !id.is_empty()).then_some(algorithm)
}
