//! Everything that is in force, as one value that can be handed around.

use facts::fact::PolicyDocument;

use super::{Erasures, Holds, Rules};

/// A snapshot of policies, holds and erasures.
#[derive(Clone, Debug, Default)]
pub struct InForce {
    /// Number of the policy document; 0 for none.
    pub version: u64,
    /// The policies.
    pub document: PolicyDocument,
    /// The holds.
    pub holds: Holds,
    /// The erasures that are under way.
    pub erasures: Erasures,
}

impl InForce {
    /// For asking a record's fate.
    pub fn rules(&self) -> Rules<'_> {
        Rules { document: &self.document, holds: &self.holds, erasures: &self.erasures }
    }
}
