//! `[ledger]`: the transparency log.

use serde::{Deserialize, Serialize};

use super::section::section;

/// Who may read tiles and checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LedgerAccess {
    /// Everybody.
    Public,
    /// Those with the auditor's role; until there are roles, server administrators.
    Auditors,
    /// Nobody, over HTTP.
    Off,
}

section! {
    /// The transparency log: proofs that nothing was changed. Its tiles hold digests only.
    Ledger {
        /// Who may read tiles and checkpoints over HTTP: "public", "auditors" or "off".
        access: LedgerAccess = LedgerAccess::Auditors;
        /// A checkpoint is signed this often while there are new entries, in milliseconds;
        /// 10 to 60000.
        checkpoint_interval_ms: u64 = 1_000;
    }
}
