//! Stubs, before the orders that take skeletons.
//!
//! Owns that no skeleton is ordered destroyed whose stub is not durable. Stubs are facts that
//! nobody looks at while the message can be read: what a crash, or a stretch that is judged anew,
//! leaves of them is found by the next look, and not written twice. Invariants: I3, I10.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use commands::room::{stub_bytes, stub_messages};
use event_log::ReadFault;
use facts::{StreamId, fact::PduStub};

use super::{Destroyer, RunFault, RunStep, pace::at_ease};

/// After a fact with stubs: whoever sends meanwhile meets one of them at most.
const REST: Duration = Duration::from_millis(2);
/// Stubs looked for without a rest.
const WITHOUT_REST: usize = 100;

/// The stubs of a stretch, by room, ascending.
#[derive(Debug, Default)]
pub(super) struct Stubs {
    rooms: BTreeMap<StreamId, Vec<PduStub>>,
    bytes: usize,
}

impl Stubs {
    /// The walk is at a message whose skeleton goes.
    pub(super) fn add(&mut self, room: StreamId, stub: PduStub) {
        self.bytes += stub_bytes(&stub);
        self.rooms.entry(room).or_default().push(stub);
    }

    /// What they take in facts, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Destroyer {
    /// Makes the stubs of a stretch durable. A crash between two rooms leaves stubs of messages that
    /// are still there.
    pub(super) async fn stub(
        &self,
        stubs: Stubs,
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<(), RunFault> {
        for (room, stubs) in stubs.rooms {
            let keys = Arc::clone(&self.keys);
            let record = Arc::clone(&self.record);
            let missing = at_ease("stubbing", record, stopping, move |pace| {
                let mut missing = Vec::new();
                for (number, stub) in (1..).zip(stubs) {
                    if !keys.is_stubbed(stub.pdu)? {
                        missing.push(stub);
                    }
                    if number % WITHOUT_REST == 0 {
                        pace.rest();
                    }
                }
                Ok::<_, ReadFault>(missing)
            });
            let missing = missing.await?;
            let missing = missing.map_err(|fault| RunFault::Describe(fault.into()))?;
            if missing.is_empty() {
                continue;
            }
            (self.before)(RunStep::Stub);
            let goes_on = || !stopping();
            let stubbed = stub_messages(&self.write_side, room, missing, REST, &goes_on).await;
            if !stubbed.map_err(|error| RunFault::of_command(&error))? {
                return Err(RunFault::Stopping);
            }
        }
        Ok(())
    }
}
