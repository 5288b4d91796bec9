//! An entry as readers get it.

use std::sync::Arc;

use bytes::Bytes;
use facts::{EntryHeader, Fact, FactError, fact::PduStub};

use crate::Digest;

/// What is left of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartContent {
    /// Its clear bytes.
    Clear(Bytes),
    /// A key is destroyed, or ordered so; nothing of it can be read.
    Destroyed,
}

impl PartContent {
    /// The clear bytes, if they can be read.
    pub fn clear(&self) -> Option<&[u8]> {
        match self {
            Self::Clear(bytes) => Some(bytes),
            Self::Destroyed => None,
        }
    }
}

/// An opened entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its header.
    pub header: EntryHeader,
    /// Its digest, which stays when parts are destroyed.
    pub digest: Digest,
    /// Its parts.
    pub parts: Vec<PartContent>,
    /// What the parts decode to, where whoever appended it said so; only lately appended entries
    /// have it.
    pub(crate) known: Option<Arc<Fact>>,
    /// What stands for a message whose skeleton is destroyed.
    pub(crate) stub: Option<Arc<PduStub>>,
}

impl Entry {
    /// As [`Self::fact`], shared with whoever decoded it when it was appended.
    pub fn shared_fact(&self) -> Result<Option<Arc<Fact>>, FactError> {
        match &self.known {
            Some(fact) => Ok(Some(Arc::clone(fact))),
            None => Ok(self.fact()?.map(Arc::new)),
        }
    }

    /// The fact; its stub where a message's skeleton is destroyed, `Ok(None)` where nothing usable
    /// is left of it.
    pub fn fact(&self) -> Result<Option<Fact>, FactError> {
        if let Some(stub) = &self.stub {
            return Ok(Some(Fact::PduStub((**stub).clone())));
        }
        let parts: Vec<Option<&[u8]>> = self.parts.iter().map(PartContent::clear).collect();
        Fact::from_parts(self.header.fact_type, self.header.fact_version, &parts)
    }
}

/// An entry that was not opened: what anybody with the disk can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// Its header.
    pub header: EntryHeader,
    /// Its digest.
    pub digest: Digest,
}
