//! `[ledger]`: the transparency log.

use serde::{Deserialize, Serialize};

use super::section::section;

/// Who may read tiles and checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LedgerAccess {
    /// Everybody.
    Public,
    /// Those with the auditor's role.
    Auditors,
    /// Nobody, over HTTP.
    Off,
}

section! {
    /// The transparency log: proofs that nothing was changed. Its tiles hold digests only.
    Ledger {
        /// Who may read tiles and checkpoints over HTTP: "public", "auditors" or "off".
        access: LedgerAccess = LedgerAccess::Auditors;
    }
}
