//! Registration with a shared secret, as Synapse's `/_synapse/admin/v1/register` does it.
//!
//! Owns nonces (bounded, expiring, each good for one try) and the check of the message code. The
//! protocol fixes HMAC-SHA-1; it authenticates short-lived messages and seals nothing.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use facts::Timestamp;

/// A nonce is valid this long: one minute.
pub const NONCE_MS: u64 = 60_000;
/// Nonces at a time are at most this many; the oldest goes first.
pub const NONCES_MAX: usize = 1_000;

/// What is registered.
#[derive(Clone, Copy, Debug)]
pub struct SharedSecretRequest<'a> {
    /// The nonce that was handed out.
    pub nonce: &'a str,
    /// Localpart.
    pub username: &'a str,
    /// Password.
    pub password: &'a str,
    /// Server administrator.
    pub admin: bool,
    /// Synapse's user type.
    pub user_type: Option<&'a str>,
    /// HMAC-SHA-1 in hexadecimal.
    pub mac: &'a str,
}

/// Why it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharedSecretRefusal {
    /// 400 `M_UNKNOWN`: unknown, used or ended.
    #[error("the nonce is not known")]
    UnknownNonce,
    /// 400 `M_INVALID_USERNAME` or `M_UNKNOWN`: a zero byte would make the message ambiguous.
    #[error("a field holds a zero byte")]
    ZeroByte,
    /// 403 `M_FORBIDDEN`.
    #[error("the message code is wrong")]
    WrongMac,
}

/// The secret and the nonces that are out.
pub struct SharedSecretRegistration {
    key: hmac::Key,
    nonces: BTreeMap<String, Timestamp>,
}

impl std::fmt::Debug for SharedSecretRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSecretRegistration")
            .field("nonces", &self.nonces.len())
            .finish_non_exhaustive()
    }
}

impl SharedSecretRegistration {
    /// With the secret of the configured file.
    pub fn new(secret: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret),
            nonces: BTreeMap::new(),
        }
    }

    /// Hands out a nonce made of random bytes.
    pub fn nonce(&mut self, random: [u8; 32], now: Timestamp) -> String {
        self.nonces.retain(|_, end| *end > now);
        if self.nonces.len() >= NONCES_MAX
            && let Some(oldest) = self.nonces.iter().min_by_key(|(_, end)| **end)
        {
            let oldest = oldest.0.clone();
            self.nonces.remove(&oldest);
        }
        let nonce = hex::encode(random);
        self.nonces.insert(nonce.clone(), Timestamp(now.0 + NONCE_MS));
        nonce
    }

    /// Checks a request; its nonce is used up, whatever comes of it.
    pub fn check(
        &mut self,
        request: SharedSecretRequest<'_>,
        now: Timestamp,
    ) -> Result<(), SharedSecretRefusal> {
        let end = self.nonces.remove(request.nonce);
        if end.is_none_or(|end| end <= now) {
            return Err(SharedSecretRefusal::UnknownNonce);
        }
        let fields = [request.username, request.password];
        if fields.iter().chain(&request.user_type).any(|field| field.contains('\0')) {
            return Err(SharedSecretRefusal::ZeroByte);
        }
        let mac = hex::decode(request.mac).map_err(|_| SharedSecretRefusal::WrongMac)?;
        hmac::verify(&self.key, &message(request), &mac).map_err(|_| SharedSecretRefusal::WrongMac)
    }
}

fn message(request: SharedSecretRequest<'_>) -> Vec<u8> {
    let admin = if request.admin { "admin" } else { "notadmin" };
    let fields = [request.nonce, request.username, request.password, admin];
    let fields: Vec<&str> = fields.into_iter().chain(request.user_type).collect();
    fields.join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn request<'a>(nonce: &'a str, mac: &'a str) -> SharedSecretRequest<'a> {
        SharedSecretRequest {
            nonce,
            username: "alice",
            password: "wonderland",
            admin: true,
            user_type: None,
            mac,
        }
    }

    /// Computed with Python's `hmac` over `00…00\0alice\0wonderland\0admin`, key `secret`.
    const KNOWN: &str = "6c31ed53fb6b02d5b83be308c4036f6b03c4b638";

    #[test]
    fn the_known_answer_is_accepted_once() {
        let mut shared = SharedSecretRegistration::new(b"secret");
        let nonce = shared.nonce([0; 32], NOW);
        assert_eq!(shared.check(request(&nonce, KNOWN), NOW), Ok(()));
        assert_eq!(
            shared.check(request(&nonce, KNOWN), NOW),
            Err(SharedSecretRefusal::UnknownNonce)
        );
    }

    #[test]
    fn a_wrong_code_and_an_old_nonce_are_refused() {
        let mut shared = SharedSecretRegistration::new(b"other secret");
        let nonce = shared.nonce([0; 32], NOW);
        assert_eq!(shared.check(request(&nonce, KNOWN), NOW), Err(SharedSecretRefusal::WrongMac));
        let mut shared = SharedSecretRegistration::new(b"secret");
        let nonce = shared.nonce([0; 32], NOW);
        assert_eq!(
            shared.check(request(&nonce, KNOWN), Timestamp(NOW.0 + NONCE_MS)),
            Err(SharedSecretRefusal::UnknownNonce)
        );
    }

    #[test]
    fn nonces_are_bounded() {
        let mut shared = SharedSecretRegistration::new(b"secret");
        for n in 0..=NONCES_MAX {
            let mut random = [0; 32];
            random[..8].copy_from_slice(&n.to_be_bytes());
            shared.nonce(random, Timestamp(n as u64));
        }
        assert_eq!(shared.nonces.len(), NONCES_MAX);
    }
}
