//! Hashing and checking passwords with argon2id (RFC 9106).
//!
//! Owns the parameters and the bound on how many run at once: each takes 19 MiB and tens of
//! milliseconds, on threads for blocking work. A full queue pushes back (I10).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use tokio::sync::Semaphore;

/// Memory of one hash, in KiB (OWASP, "Password Storage Cheat Sheet").
pub const ARGON2_MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
pub const ARGON2_PASSES: u32 = 2;
/// Lanes.
pub const ARGON2_LANES: u32 = 1;
/// Hashes that wait or run are at most this many.
pub const PASSWORD_QUEUE_MAX: usize = 64;
/// A password is at most this many bytes (as in other servers; argon2 has no need of a bound).
pub const PASSWORD_BYTES_MAX: usize = 512;

/// A hash that no password has, for accounts without one: a refusal takes as long either way.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password was not hashed or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting.
    #[error("too many passwords are being checked")]
    Busy,
    /// Longer than [`PASSWORD_BYTES_MAX`].
    #[error("the password is too long")]
    TooLong,
    /// argon2 could not run (out of memory).
    #[error("the password could not be hashed")]
    Failed,
}

/// Hashes and checks passwords off the async threads.
#[derive(Clone, Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    queued: Arc<AtomicUsize>,
}

impl Passwords {
    /// At most `at_once` run at the same time; the number of cores is a good choice.
    pub fn new(at_once: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(at_once.max(1))),
            queued: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// The PHC string of a password.
    pub async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, PasswordError> {
        let password = bounded(password)?;
        self.run(move || {
            let hash: PasswordHash = argon2()
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map_err(|_| PasswordError::Failed)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password has this hash; without a hash it takes as long and says no.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let password = bounded(password)?;
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        self.run(move || {
            let right = argon2().verify_password(password.as_bytes(), hash.as_str());
            Ok(right.is_ok() && known)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _place = Place::take(&self.queued)?;
        let _permit = self.running.acquire().await.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| PasswordError::Failed)?
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, None)
        .expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn bounded(password: &str) -> Result<String, PasswordError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    Ok(password.to_owned())
}

/// A place in the queue, given back when dropped, also when the request is given up.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(queued: &Arc<AtomicUsize>) -> Result<Self, PasswordError> {
        let place = Self(Arc::clone(queued));
        if queued.fetch_add(1, Ordering::Relaxed) >= PASSWORD_QUEUE_MAX {
            return Err(PasswordError::Busy);
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_right_or_wrong() {
        let passwords = Passwords::new(2);
        let hash = passwords.hash("correct horse", [7; 16]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(passwords.verify("correct horse", Some(&hash)).await, Ok(true));
        assert_eq!(passwords.verify("battery", Some(&hash)).await, Ok(false));
        assert_eq!(passwords.verify("correct horse", None).await, Ok(false));
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        assert_eq!(passwords.hash(&long, [0; 16]).await, Err(PasswordError::TooLong));
    }

    #[test]
    fn the_hash_that_nobody_has_parses() {
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[tokio::test]
    async fn a_full_queue_pushes_back_and_frees_itself() {
        let passwords = Passwords::new(1);
        let places: Vec<_> =
            (0..PASSWORD_QUEUE_MAX).map(|_| Place::take(&passwords.queued).unwrap()).collect();
        let full = passwords.hash("secret", [0; 16]).await;
        assert_eq!(full, Err(PasswordError::Busy));
        drop(places);
        assert!(passwords.hash("secret", [0; 16]).await.is_ok());
    }
}
