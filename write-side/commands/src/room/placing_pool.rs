//! Where PDUs are placed: light work on the spot, state resolution on threads that may block.
//!
//! Owns the bound on how many rooms are worked on at once (I10), and what counts as light. The
//! room's lock goes along with the work and comes back with it. Who waits for a turn holds the
//! lock of one room and nothing that the work waits for, so turns always come; the waiting are at
//! most as many as the rooms that are active.

use decide::room::RoomFold;
use tokio::sync::Semaphore;

use super::receive_pdus::Incoming;
use crate::Fault;

/// Rooms whose PDUs are placed on blocking threads at once.
pub const PLACING_AT_ONCE_MAX: usize = 4;
/// PDUs that one run places on the runtime's own thread, at most.
pub const PLACED_ON_THE_SPOT_MAX: usize = 16;

/// The one pool: it bounds what the process spends, over all write sides.
pub(crate) static PLACING: PlacingPool = PlacingPool::new();

/// Turns on blocking threads.
pub(crate) struct PlacingPool {
    turns: Semaphore,
}

impl PlacingPool {
    const fn new() -> Self {
        Self { turns: Semaphore::const_new(PLACING_AT_ONCE_MAX) }
    }

    /// Does work on a blocking thread when it is its turn. A caller that goes away does not stop
    /// work that has begun, and that keeps its turn.
    pub(crate) async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let unfit = |why: String| Fault::Unfit(format!("placing failed: {why}"));
        let turn = self.turns.acquire().await.map_err(|error| unfit(error.to_string()))?;
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| unfit(error.to_string()))
    }
}

/// True for a few PDUs each of which follows the one before it and nothing else: no states differ,
/// so nothing is resolved.
pub(crate) fn is_light(fold: &RoomFold, pdus: &[Incoming]) -> bool {
    let [tip] = fold.tips() else { return false };
    let mut last = &*tip.event_id;
    pdus.len() <= PLACED_ON_THE_SPOT_MAX
        && pdus.iter().all(|incoming| {
            let pdu = &incoming.pdu.pdu;
            let follows = matches!(pdu.prev_events(), [prev] if prev == last);
            last = pdu.event_id();
            follows
        })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn pool() -> &'static PlacingPool {
        Box::leak(Box::new(PlacingPool::new()))
    }

    #[tokio::test]
    async fn work_is_done_off_the_runtime_and_a_panic_is_a_fault() {
        let pool = pool();
        let here = std::thread::current().id();
        let there = pool.run(|| std::thread::current().id()).await.unwrap();
        assert_ne!(here, there);
        let broken = pool.run(|| panic!("broken")).await;
        assert!(matches!(broken, Err(Fault::Unfit(_))));
        assert_eq!(pool.turns.available_permits(), PLACING_AT_ONCE_MAX);
    }

    #[tokio::test]
    async fn no_more_rooms_than_the_maximum_are_worked_on_at_once() {
        let pool = pool();
        let (started, begun) = mpsc::channel();
        let mut gates = Vec::new();
        let mut working = tokio::task::JoinSet::new();
        for number in 0..=PLACING_AT_ONCE_MAX {
            let (open, gate) = mpsc::channel::<()>();
            gates.push(open);
            let started = started.clone();
            working.spawn(pool.run(move || {
                started.send(number).unwrap();
                gate.recv().unwrap_err();
            }));
        }
        // The test's runtime has one thread: once it is back, every task has asked for its turn.
        let wait = tokio::task::spawn_blocking(move || {
            let mut first: Vec<_> = begun.iter().take(PLACING_AT_ONCE_MAX).collect();
            first.sort_unstable();
            (first, begun)
        });
        let (first, begun) = wait.await.unwrap();
        assert_eq!(first, (0..PLACING_AT_ONCE_MAX).collect::<Vec<_>>());
        assert_eq!(pool.turns.available_permits(), 0);
        assert!(begun.try_recv().is_err());
        drop(gates);
        let last = tokio::task::spawn_blocking(move || begun.recv().unwrap()).await.unwrap();
        assert_eq!(last, PLACING_AT_ONCE_MAX);
        for done in working.join_all().await {
            done.unwrap();
        }
    }
}
