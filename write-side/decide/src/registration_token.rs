//! Registration tokens: the server's administrative stream.
//!
//! Owns its fold and the rules of tokens. A token is known by its SHA-256. Invariant: I2.

use std::collections::BTreeMap;

use facts::{
    EntryHeader, Fact, Timestamp,
    fact::{RegistrationTokenCreated, RegistrationTokenUsed},
};
use serde::{Deserialize, Serialize};

/// So many tokens exist at a time.
pub const REGISTRATION_TOKENS_MAX: usize = 10_000;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationToken {
    /// How often it can still be used; `None` for any number of times.
    pub uses_left: Option<u32>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The account that it makes is a server administrator.
    pub makes_admin: bool,
}

/// State of the administrative stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFold {
    /// Tokens by their hash.
    pub tokens: BTreeMap<[u8; 32], RegistrationToken>,
}

/// Why a token is not created or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// 401 or 403 `M_FORBIDDEN`: unknown, used up or ended.
    #[error("the registration token is not valid")]
    NotValid,
    /// 400 `M_INVALID_PARAM`.
    #[error("the registration token exists")]
    Exists,
    /// 400 `M_LIMIT_EXCEEDED`.
    #[error("there are too many registration tokens")]
    TooMany,
}

impl ServerFold {
    /// Applies a fact of the administrative stream.
    pub fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        match fact {
            Fact::RegistrationTokenCreated(created) => {
                // Ended tokens go when another comes, so the map stays bounded.
                let now = header.recorded_at;
                self.tokens.retain(|_, token| token.usable(now));
                self.tokens.insert(
                    created.token_hash,
                    RegistrationToken {
                        uses_left: created.uses_allowed,
                        expires_at: created.expires_at,
                        makes_admin: created.makes_admin,
                    },
                );
            }
            Fact::RegistrationTokenUsed(used) => {
                if let Some(left) =
                    self.tokens.get_mut(&used.token_hash).and_then(|token| token.uses_left.as_mut())
                {
                    *left = left.saturating_sub(1);
                }
            }
            _ => {}
        }
    }

    /// A token that can be used now.
    pub fn valid(&self, hash: &[u8; 32], now: Timestamp) -> Option<&RegistrationToken> {
        self.tokens.get(hash).filter(|token| token.usable(now))
    }
}

impl RegistrationToken {
    fn usable(&self, now: Timestamp) -> bool {
        self.uses_left != Some(0) && self.expires_at.is_none_or(|end| end > now)
    }
}

/// Decides a new token.
pub fn create_registration_token(
    fold: &ServerFold,
    token: RegistrationTokenCreated,
    now: Timestamp,
) -> Result<Fact, TokenRefusal> {
    if fold.valid(&token.token_hash, now).is_some() {
        return Err(TokenRefusal::Exists);
    }
    if fold.tokens.values().filter(|one| one.usable(now)).count() >= REGISTRATION_TOKENS_MAX {
        return Err(TokenRefusal::TooMany);
    }
    Ok(token.into())
}

/// Decides the use of a token, in the batch that creates the account.
pub fn use_registration_token(
    fold: &ServerFold,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Fact, TokenRefusal> {
    fold.valid(hash, now).ok_or(TokenRefusal::NotValid)?;
    Ok(RegistrationTokenUsed { token_hash: *hash }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::tests::header;

    const NOW: Timestamp = Timestamp(10);

    fn token(n: u8, uses_allowed: Option<u32>, end: Option<u64>) -> RegistrationTokenCreated {
        RegistrationTokenCreated {
            token_hash: [n; 32],
            uses_allowed,
            expires_at: end.map(Timestamp),
            makes_admin: false,
        }
    }

    fn with(tokens: &[RegistrationTokenCreated]) -> ServerFold {
        let mut fold = ServerFold::default();
        for token in tokens {
            fold.evolve(&header(1, NOW), &token.clone().into());
        }
        fold
    }

    #[test]
    fn a_token_is_used_up() {
        let mut fold = with(&[token(1, Some(2), None)]);
        for _ in 0..2 {
            let fact = use_registration_token(&fold, &[1; 32], NOW).unwrap();
            fold.evolve(&header(2, NOW), &fact);
        }
        let refused = use_registration_token(&fold, &[1; 32], NOW);
        assert_eq!(refused, Err(TokenRefusal::NotValid));
    }

    #[test]
    fn a_token_ends_and_its_name_is_free_again() {
        let fold = with(&[token(1, None, Some(20))]);
        assert!(use_registration_token(&fold, &[1; 32], Timestamp(19)).is_ok());
        let refused = use_registration_token(&fold, &[1; 32], Timestamp(20));
        assert_eq!(refused, Err(TokenRefusal::NotValid));
        let again = |now| create_registration_token(&fold, token(1, None, None), Timestamp(now));
        assert_eq!(again(19), Err(TokenRefusal::Exists));
        assert!(again(20).is_ok());
    }
}
