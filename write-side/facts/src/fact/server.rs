//! Facts of the server's own administrative stream.
//!
//! Owns registration tokens.

use serde::{Deserialize, Serialize};

use super::one_part_fact;
use crate::Timestamp;

/// A registration token can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationTokenCreated {
    /// SHA-256 of the token.
    #[serde(with = "serde_bytes")]
    pub token_hash: [u8; 32],
    /// How often it can be used; `None` for any number of times.
    pub uses_allowed: Option<u32>,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// The account that it makes is a server administrator.
    pub makes_admin: bool,
}
one_part_fact!(RegistrationTokenCreated = 128, Credential, personal: false);

/// A registration token was used; stands in the batch that creates the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationTokenUsed {
    /// SHA-256 of the token.
    #[serde(with = "serde_bytes")]
    pub token_hash: [u8; 32],
}
one_part_fact!(RegistrationTokenUsed = 129, Credential, personal: false);
