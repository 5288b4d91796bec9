//! Messages whose texts and lengths follow from the seed, about as long as people's.

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

/// Characters of a message, the longest included.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=400;

const WORDS: [&str; 16] = [
    "ledger", "seal", "clerk", "quill", "charter", "witness", "margin", "folio", "ink", "copy",
    "record", "court", "letter", "wax", "roll", "archive",
];

/// One sender's endless supply of messages.
#[derive(Debug)]
pub(crate) struct Payload {
    random: StdRng,
}

impl Payload {
    /// `sender` keeps the senders of one seed apart.
    pub(crate) fn new(seed: u64, sender: usize) -> Self {
        let sender = u64::try_from(sender).expect("a usize fits 64 bits");
        Self { random: StdRng::seed_from_u64(seed.rotate_left(32) ^ sender) }
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> String {
        // Short messages are the most common.
        let (a, b) = (self.random.random_range(LENGTH), self.random.random_range(LENGTH));
        let length = a.min(b);
        let mut text = String::with_capacity(length + 8);
        while text.len() < length {
            text.push_str(WORDS[self.random.random_range(0..WORDS.len())]);
            text.push(' ');
        }
        text
    }

    /// The next content of an `m.room.message`.
    pub(crate) fn message(&mut self) -> Value {
        json!({ "msgtype": "m.text", "body": self.text() })
    }
}
