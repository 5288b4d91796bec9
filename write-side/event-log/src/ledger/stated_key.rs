//! Signing keys as the log states them.
//!
//! Owns the text that a key signs for its successor. Whoever trusts one key can go on to the next
//! by the endorsement, without asking anybody.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use facts::{LogPosition, fact};

use super::note::{NoteError, NoteSigner, VerifierKey};

/// A log has at most this many keys; rotating beyond is refused (I10).
pub(crate) const KEYS_MAX: usize = 10_000;

/// A signing key and where the log states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedKey {
    /// Position of the fact.
    pub position: LogPosition,
    /// The key.
    pub key: VerifierKey,
    /// The word of the key before; absent for the first one, and where that one was lost.
    pub endorsement: Option<Endorsement>,
}

/// The word of a key for its successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endorsement {
    /// The endorsing key.
    pub by: VerifierKey,
    /// Its Ed25519 signature over [`Endorsement::text`].
    pub signature: [u8; 64],
}

impl Endorsement {
    /// What is signed for a key.
    pub fn text(key: &VerifierKey) -> String {
        format!("chancery/ledger-key/1\n{key}\n")
    }

    /// The word of a signer for a key.
    pub(crate) fn of(signer: &NoteSigner, key: &VerifierKey) -> Self {
        Self { by: signer.verifier(), signature: signer.sign(&Self::text(key)) }
    }

    /// Whether it holds for a key.
    pub fn verifies(&self, key: &VerifierKey) -> bool {
        self.by.verifies(&Self::text(key), &self.signature)
    }
}

impl StatedKey {
    pub(crate) fn of(position: LogPosition, fact: &fact::LedgerKeySet) -> Result<Self, NoteError> {
        let endorsement = fact.endorsement.as_ref().map(|word| {
            let by = VerifierKey::new(&word.key_name, &word.public_key)?;
            Ok(Endorsement { by, signature: word.signature })
        });
        Ok(Self {
            position,
            key: VerifierKey::new(&fact.key_name, &fact.public_key)?,
            endorsement: endorsement.transpose()?,
        })
    }
}

/// As a line of a listing of keys: the key and, where it has one, who gave the word and the word.
impl fmt::Display for StatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.key)?;
        match &self.endorsement {
            Some(Endorsement { by, signature }) => {
                write!(f, " {by} {}", STANDARD.encode(signature))
            }
            None => Ok(()),
        }
    }
}

/// Reads a line of a listing.
pub(super) fn parse_line(line: &str) -> Result<(VerifierKey, Option<Endorsement>), NoteError> {
    let words: Vec<&str> = line.split(' ').collect();
    let key = VerifierKey::from_vkey(words.first().ok_or(NoteError::Key)?)?;
    let word = match words[1..] {
        [] => None,
        [by, signature] => {
            let signature = STANDARD.decode(signature).map_err(|_| NoteError::Key)?;
            let signature = signature.try_into().map_err(|_| NoteError::Key)?;
            Some(Endorsement { by: VerifierKey::from_vkey(by)?, signature })
        }
        _ => return Err(NoteError::Key),
    };
    Ok((key, word))
}

/// The keys that follow from trusted ones by the words in a listing. Whatever no trusted key
/// vouches for is passed over.
pub fn trusted_by(
    mut trusted: Vec<VerifierKey>,
    listing: &str,
) -> Result<Vec<VerifierKey>, NoteError> {
    let lines = listing.lines().filter(|line| !line.is_empty()).take(KEYS_MAX);
    let mut listed = lines.map(parse_line).collect::<Result<Vec<_>, _>>()?;
    loop {
        let vouched = listed.iter().position(|(key, word)| {
            word.as_ref().is_some_and(|word| trusted.contains(&word.by) && word.verifies(key))
        });
        let Some(vouched) = vouched else { return Ok(trusted) };
        let (key, _) = listed.swap_remove(vouched);
        if !trusted.contains(&key) {
            trusted.push(key);
        }
    }
}

/// The fact that states a key.
pub(crate) fn key_fact(key: &VerifierKey, word: Option<Endorsement>) -> fact::LedgerKeySet {
    fact::LedgerKeySet {
        key_name: key.name().to_owned(),
        public_key: *key.public_key(),
        endorsement: word.map(|Endorsement { by, signature }| fact::KeyEndorsement {
            key_name: by.name().to_owned(),
            public_key: *by.public_key(),
            signature,
        }),
    }
}
