//! Access and refresh tokens.
//!
//! Owns their form: a prefix for the kind, the owner's localpart, 256 random bits. The owner
//! stands in it so that a refresh finds its stream without an index. The log holds SHA-256 alone;
//! with 256 random bits nothing slower is needed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use decide::user::TokenHash;
use ruma::UserId;
use sha2::{Digest, Sha256};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `cha_…`
    Access,
    /// `chr_…`
    Refresh,
}

/// Characters of 256 bits in base64.
const SECRET_CHARS: usize = 43;

impl TokenKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Access => "cha_",
            Self::Refresh => "chr_",
        }
    }
}

/// A new token.
pub fn new_token(kind: TokenKind, owner: &UserId, secret: [u8; 32]) -> String {
    format!(
        "{}{}_{}",
        kind.prefix(),
        URL_SAFE_NO_PAD.encode(owner.localpart()),
        URL_SAFE_NO_PAD.encode(secret)
    )
}

/// What the log knows of a token.
pub fn token_hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// The localpart in a token of this kind. Says nothing about whether the token is valid.
pub fn token_owner(kind: TokenKind, token: &str) -> Option<String> {
    let rest = token.strip_prefix(kind.prefix())?;
    let at = rest.len().checked_sub(SECRET_CHARS + 1)?;
    let (owner, secret) = (rest.get(..at)?, rest.get(at..)?);
    secret.strip_prefix('_')?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(owner).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use ruma::user_id;

    use super::*;

    #[test]
    fn the_owner_stands_in_the_token() {
        for owner in [user_id!("@a:x.org"), user_id!("@_odd=name_:x.org")] {
            let token = new_token(TokenKind::Refresh, owner, [0xff; 32]);
            let found = token_owner(TokenKind::Refresh, &token);
            assert_eq!(found.as_deref(), Some(owner.localpart()));
            assert_eq!(token_owner(TokenKind::Access, &token), None);
        }
        for nonsense in ["", "chr_", "chr_é_", "chr_AAAA", &"chr_é".repeat(40)] {
            assert_eq!(token_owner(TokenKind::Refresh, nonsense), None, "{nonsense}");
        }
    }
}
