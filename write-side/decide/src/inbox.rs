//! The inbox of one device.
//!
//! Owns what the write side knows of it: which messages wait and what was acknowledged.
//! Invariants: I2, I10 (a full inbox takes no more; its device has been away for too long).

use std::collections::VecDeque;

use facts::{EntryHeader, Fact, LogPosition, fact::ToDeviceAcknowledged};
use serde::{Deserialize, Serialize};

/// An inbox holds at most this many messages.
pub const INBOX_MAX: usize = 50_000;

/// State of an inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxFold {
    /// Messages that wait, in order.
    pub waiting: VecDeque<LogPosition>,
    /// Everything up to here was acknowledged.
    pub acknowledged: LogPosition,
}

impl InboxFold {
    /// Applies a fact of the inbox's stream.
    pub fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        match fact {
            Fact::ToDeviceQueued(_) => self.waiting.push_back(header.position),
            Fact::ToDeviceAcknowledged(acknowledged) => {
                self.acknowledged = self.acknowledged.max(acknowledged.through);
                while self.waiting.front().is_some_and(|position| *position <= self.acknowledged) {
                    self.waiting.pop_front();
                }
            }
            _ => {}
        }
    }

    /// Whether it takes no more messages.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= INBOX_MAX
    }

    /// Decides that the device has everything through a position; nothing where that removes no
    /// message.
    pub fn acknowledge(&self, through: LogPosition) -> Option<Fact> {
        let last = self.waiting.iter().rev().find(|at| **at <= through)?;
        Some(ToDeviceAcknowledged { through: *last }.into())
    }
}

#[cfg(test)]
mod tests {
    use facts::{Timestamp, fact::ToDeviceQueued};

    use super::*;
    use crate::user::tests::header;

    fn queued() -> Fact {
        ToDeviceQueued { sender: String::new(), event_type: String::new(), content: Vec::new() }
            .into()
    }

    #[test]
    fn an_inbox_forgets_what_was_acknowledged_and_takes_no_more_when_full() {
        let mut inbox = InboxFold::default();
        for position in 0..INBOX_MAX as u64 {
            assert!(!inbox.is_full());
            inbox.evolve(&header(position + 10, Timestamp(0)), &queued());
        }
        assert!(inbox.is_full());
        assert_eq!(inbox.acknowledge(LogPosition(9)), None);
        let fact = inbox.acknowledge(LogPosition(11)).unwrap();
        inbox.evolve(&header(u64::MAX, Timestamp(0)), &fact);
        assert_eq!(inbox.waiting.len(), INBOX_MAX - 2);
        assert_eq!(inbox.acknowledge(LogPosition(11)), None);
    }
}
