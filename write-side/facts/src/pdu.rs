//! How a PDU's bytes are parted into skeleton and content, and joined again.
//!
//! Owns `split` (used once, when a PDU is stored) and `merge` (used whenever it is read).
//! Invariants: I6; `merge(redacted, residue, rest)` gives the accepted bytes, or `whole` is set.

mod merge;
mod residue;
mod split;

pub use self::{
    merge::{MergeError, merge},
    split::{SplitPdu, split},
};

/// Top-level key of the salt in our own events (LOG section 4): 16 random bytes in unpadded
/// base64. Redaction strips it, so the content hash that survives a redaction confirms no text.
pub const SALT_KEY: &str = "org.chancery.salt";
