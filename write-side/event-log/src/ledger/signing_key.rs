//! Which key signs: the first one, the one after a rotation, the same one in a new incarnation.
//!
//! Owns the order by which a key comes to sign: it is on disk as the following key, stated in the
//! log, and then promoted. A crash after the first step leaves a key nobody heard of, which is
//! dropped; one after the second leaves a following key that the log states, which is promoted.

use super::{
    LedgerError,
    follower::Follower,
    key_file::Seed,
    last_checkpoint::Signed,
    note::{NoteSigner, VerifierKey},
    stated_key::{Endorsement, KEYS_MAX, key_fact},
};
use crate::Random;

impl Follower {
    /// Finds or makes the signing key, and states it where the log's last word is another.
    pub(super) fn settle_key(&mut self, random: &dyn Random) -> Result<(), LedgerError> {
        self.finish_rotation()?;
        let found = self.key_files.current()?;
        let is_new = found.is_none();
        let seed = match found {
            Some(seed) => seed,
            None => self.key_files.make_next(random)?,
        };
        let signer = self.signer_of(&seed)?;
        let key = signer.verifier();
        if self.keys.last().is_none_or(|stated| stated.key != key) {
            let word = self.own_word_under_the_former_name(&signer);
            self.state_key(&key, word)?;
        }
        if is_new {
            self.key_files.promote_next()?;
        }
        self.signer = Some(signer);
        Ok(())
    }

    /// Gives the signing to a new key. The checkpoint that is signed last by the old key is the
    /// first one by the new, and covers the fact that states it.
    pub(super) fn rotate_key(
        &mut self,
        random: &dyn Random,
    ) -> Result<(Signed, VerifierKey), LedgerError> {
        if self.keys.len() >= KEYS_MAX {
            return Err(LedgerError::TooManyKeys);
        }
        let seed = self.key_files.make_next(random)?;
        let new = self.signer_of(&seed)?;
        let key = new.verifier();
        let old = self.signer.take().expect("the key is settled when the ledger is opened");
        let signed = self
            .state_key(&key, Some(Endorsement::of(&old, &key)))
            .and_then(|()| self.sign_with(&[&old, &new]));
        let promoted = signed.and_then(|signed| {
            self.key_files.promote_next()?;
            Ok(signed)
        });
        self.signer = Some(if promoted.is_ok() { new } else { old });
        Ok((promoted?, key))
    }

    fn finish_rotation(&mut self) -> Result<(), LedgerError> {
        let Some(seed) = self.key_files.next()? else {
            return Ok(());
        };
        let following = *self.signer_of(&seed)?.verifier().public_key();
        if self.keys.iter().any(|stated| *stated.key.public_key() == following) {
            Ok(self.key_files.promote_next()?)
        } else {
            Ok(self.key_files.drop_next()?)
        }
    }

    fn signer_of(&self, seed: &Seed) -> Result<NoteSigner, LedgerError> {
        NoteSigner::new(&self.origin.to_string(), seed).ok_or(LedgerError::KeyName)
    }

    /// In a new incarnation the key has a new name, and vouches for itself.
    fn own_word_under_the_former_name(&self, signer: &NoteSigner) -> Option<Endorsement> {
        let key = signer.verifier();
        let former = self.keys.last()?;
        if former.key.public_key() != key.public_key() {
            tracing::warn!("the ledger's former signing key is not here; the new one has no word");
            return None;
        }
        let signer = signer.named(former.key.name())?;
        Some(Endorsement::of(&signer, &key))
    }

    fn state_key(
        &mut self,
        key: &VerifierKey,
        word: Option<Endorsement>,
    ) -> Result<(), LedgerError> {
        self.log.state_ledger_key(&key_fact(key, word))?;
        self.catch_up()
    }
}
