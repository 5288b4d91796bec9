//! Stubs of messages whose skeletons are destroyed, as readers find them.
//!
//! Owns the look from a destroyed skeleton to its stub, and the entries of stubs that were decoded
//! last: reading forward over a stretch that was destroyed decodes each entry once. The memory is
//! bounded, and wiped when keys are destroyed (I10). A stub whose own entry cannot be read is none.

use std::{collections::VecDeque, io, sync::Arc};

use facts::{
    EntryHeader, FactBody as _, LogPosition, RecordClass,
    fact::{MessagesStubbed, PduStored, PduStub},
};
use parking_lot::Mutex;

use crate::{Log, ReadFault, entry::PartContent, shared::Shared};

/// Entries of stubs that are kept decoded; each is of about 8 KiB, or holds one large stub. A view
/// that is built anew reads the stubs of many rooms side by side.
const DECODED_MAX: usize = 64;

/// The entries that were decoded last, the latest at the end.
#[derive(Debug, Default)]
pub(crate) struct DecodedStubs(Mutex<Decoded>);

#[derive(Debug, Default)]
struct Decoded {
    /// How often it was wiped.
    wiped: u64,
    entries: VecDeque<(LogPosition, Arc<MessagesStubbed>)>,
}

impl DecodedStubs {
    fn find(&self, pdu: LogPosition) -> Option<Arc<PduStub>> {
        let decoded = self.0.lock();
        let stub = decoded.entries.iter().rev().find_map(|(_, entry)| entry.of(pdu))?;
        Some(Arc::new(stub.clone()))
    }

    fn wiped(&self) -> u64 {
        self.0.lock().wiped
    }

    /// Keeps an entry that was read when `wiped` was asked, unless keys were destroyed since.
    fn keep(&self, at: LogPosition, entry: Arc<MessagesStubbed>, wiped: u64) {
        let mut decoded = self.0.lock();
        // Somebody who reads beside us may have kept it already.
        if decoded.wiped != wiped || decoded.entries.iter().any(|(kept, _)| *kept == at) {
            return;
        }
        if decoded.entries.len() >= DECODED_MAX {
            decoded.entries.pop_front();
        }
        decoded.entries.push_back((at, entry));
    }

    /// Forgets everything: keys are about to be destroyed.
    pub(crate) fn wipe(&self) {
        let mut decoded = self.0.lock();
        decoded.wiped += 1;
        decoded.entries.clear();
    }
}

impl Shared {
    /// The stub of an entry with these parts; `None` for whatever is no message without skeleton.
    pub(crate) fn stub_for(
        &self,
        header: &EntryHeader,
        parts: &[PartContent],
    ) -> Result<Option<Arc<PduStub>>, ReadFault> {
        let is_message =
            header.parts.first().is_some_and(|part| part.class == RecordClass::MessageSkeleton);
        let is_gone = matches!(parts.first(), Some(PartContent::Destroyed));
        if !is_message || !is_gone || header.fact_type != PduStored::TYPE {
            return Ok(None);
        }
        if let Some(stub) = self.stubs.find(header.position) {
            return Ok(Some(stub));
        }
        let wiped = self.stubs.wiped();
        let Some(at) = self.stub_holder(header.position)? else { return Ok(None) };
        let Some(entry) = self.fact_at::<MessagesStubbed>(at)? else { return Ok(None) };
        let stub = entry.of(header.position).cloned().map(Arc::new);
        self.stubs.keep(at, Arc::new(entry), wiped);
        Ok(stub)
    }

    fn stub_holder(&self, pdu: LogPosition) -> Result<Option<LogPosition>, ReadFault> {
        // The lock is given back before the disk is asked.
        let look = self.index.lock().look_for_stub(pdu);
        look.holder().map_err(|fault| ReadFault::Io(io::Error::other(fault)))
    }
}

impl Log {
    /// Whether a durable stub stands for the message at a position, destroyed or not yet.
    pub fn is_stubbed(&self, pdu: LogPosition) -> Result<bool, ReadFault> {
        Ok(self.shared.stub_holder(pdu)?.is_some())
    }
}
