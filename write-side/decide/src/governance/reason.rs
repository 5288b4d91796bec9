//! Reasons: every act of governance states one.

use super::GovernanceRefusal;

/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 2_000;

/// Refuses an empty reason and one that is too long.
pub fn check_reason(reason: &str) -> Result<(), GovernanceRefusal> {
    if reason.trim().is_empty() {
        return Err(GovernanceRefusal::NoReason);
    }
    if reason.len() > REASON_BYTES_MAX {
        return Err(GovernanceRefusal::ReasonTooLong);
    }
    Ok(())
}
