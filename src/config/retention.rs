//! `[retention]`: when what is over is destroyed.

use super::section::section;

section! {
    /// Runs of the policies. What is destroyed, and when it is due, is the officers' to say, not
    /// this file's.
    Retention {
        /// A run comes by itself this often, in minutes; 0 for only when an officer asks.
        run_every_minutes: u32 = 60;
        /// Receipts state when the last backup of the keyring that could still open what was
        /// destroyed is gone: this many days later. Keep no backup of it for longer.
        keyring_backup_days: u32 = 7;
    }
}
