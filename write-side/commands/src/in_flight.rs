//! Client transactions that are under way.
//!
//! Owns one lock for each transaction that runs, so that a retry in flight waits and then finds
//! what the first request did. What was done stands in the log; this map is memory only.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use crate::index::TxnKey;

/// Transactions under way at once are at most this many.
pub const IN_FLIGHT_MAX: usize = 10_000;

type Locks = Arc<Mutex<HashMap<TxnKey, Arc<tokio::sync::Mutex<()>>>>>;

/// The transactions that run.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    locks: Locks,
}

/// The only one that runs this transaction, until dropped.
#[derive(Debug)]
pub struct TxnTurn {
    locks: Locks,
    key: TxnKey,
    turn: Option<OwnedMutexGuard<()>>,
}

impl InFlight {
    /// Waits for earlier requests of the same transaction. `None` when too many are under way.
    pub(crate) async fn turn(&self, key: &TxnKey) -> Option<TxnTurn> {
        let lock = {
            let mut locks = self.locks.lock();
            if locks.len() >= IN_FLIGHT_MAX && !locks.contains_key(key) {
                return None;
            }
            Arc::clone(locks.entry(key.clone()).or_default())
        };
        let turn = lock.lock_owned().await;
        Some(TxnTurn { locks: Arc::clone(&self.locks), key: key.clone(), turn: Some(turn) })
    }
}

impl Drop for TxnTurn {
    fn drop(&mut self) {
        let mut locks = self.locks.lock();
        self.turn = None;
        // Two holders are the map and nobody else once this turn is over: nobody waits.
        if let Some(lock) = locks.get(&self.key)
            && Arc::strong_count(lock) == 1
        {
            locks.remove(&self.key);
        }
    }
}
