//! When a copy of a session must be read anew.
//!
//! Owns the count of changes, and which facts are such changes: whatever gives, replaces or takes
//! tokens, or changes what an account may do. Never tells what changed.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use facts::Fact;

/// Counts changes after which a session may read otherwise than before. It moves after the change
/// is committed and before the view's progress tells of it, so a copy of a session is good while
/// the count is what it was before the snapshot that the session was read from.
#[derive(Clone, Debug, Default)]
pub struct SessionChanges(Arc<AtomicU64>);

impl SessionChanges {
    /// The count.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    pub(super) fn changed(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether sessions may read otherwise after this fact. Destroyed keys take names with them.
pub(super) fn changes_sessions(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::AccountCreated(_)
            | Fact::AdminChanged(_)
            | Fact::PasswordSet(_)
            | Fact::AccountDeactivated(_)
            | Fact::DeviceAdded(_)
            | Fact::DevicesRemoved(_)
            | Fact::SessionOpened(_)
            | Fact::SessionRefreshed(_)
            | Fact::ShredOrdered(_)
    )
}
