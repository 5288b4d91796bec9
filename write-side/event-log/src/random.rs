//! Randomness as a parameter.
//!
//! Owns the trait by which randomness is handed in, the system's source and a seeded one for
//! tests. Invariant: I9 (nothing below the composition root reaches for randomness itself).

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills `target` entirely.
    fn fill(&self, target: &mut [u8]);
}

/// The random number generator of aws-lc, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, target: &mut [u8]) {
        // There is no answer to a generator that fails: going on would seal under guessable keys.
        aws_lc_rs::rand::fill(target).expect("aws-lc ends the process before it lacks randomness");
    }
}

/// A reproducible source: the same seed gives the same bytes. For tests; it protects nothing.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    blocks: AtomicU64,
}

impl SeededRandom {
    /// A source that starts at the beginning of the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, blocks: AtomicU64::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, target: &mut [u8]) {
        for chunk in target.chunks_mut(32) {
            let block = self.blocks.fetch_add(1, Ordering::Relaxed);
            let mut hasher = Sha256::new();
            hasher.update(self.seed.to_be_bytes());
            hasher.update(block.to_be_bytes());
            chunk.copy_from_slice(&hasher.finalize()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_sequences_repeat_and_differ_by_seed() {
        let draw = |seed| {
            let random = SeededRandom::new(seed);
            let mut bytes = [0; 80];
            random.fill(&mut bytes);
            bytes
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_ne!(draw(1)[..32], draw(1)[32..64]);
    }

    #[test]
    fn the_system_does_not_repeat_itself() {
        let mut first = [0; 32];
        let mut second = [0; 32];
        SystemRandom.fill(&mut first);
        SystemRandom.fill(&mut second);
        assert_ne!(first, second);
    }
}
