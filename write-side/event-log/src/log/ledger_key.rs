//! Stating the ledger's signing key in the log's own stream.

use facts::fact::LedgerKeySet;

use super::{Log, append::own_batch};
use crate::ledger::LedgerError;

impl Log {
    /// States the key that signs checkpoints from here on. Durable when this returns.
    pub(crate) fn state_ledger_key(&self, key: &LedgerKeySet) -> Result<(), LedgerError> {
        Ok(self.append(own_batch(key))?.durable.wait()?)
    }
}
