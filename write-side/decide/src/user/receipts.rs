//! The latest receipts of a person. Owns which event each receipt names.

use std::collections::BTreeMap;

use facts::{
    LogPosition,
    fact::{ReceiptKind, ReceiptSet, ThreadScope},
};
use serde::{Deserialize, Serialize};

/// So many receipts of one person are remembered; the longest unchanged are forgotten first.
const RECEIPTS_MAX: usize = 20_000;

/// Which receipt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReceiptKey {
    /// Room id.
    pub room: String,
    /// True for `m.read.private`.
    pub private: bool,
    /// `None` for unthreaded, `main`, or the thread's root.
    pub thread: Option<String>,
}

impl ReceiptKey {
    /// The key of a receipt.
    pub fn new(room: &str, kind: ReceiptKind, thread: &ThreadScope) -> Self {
        Self {
            room: room.to_owned(),
            private: kind == ReceiptKind::ReadPrivate,
            thread: match thread {
                ThreadScope::Unthreaded => None,
                ThreadScope::Main => Some("main".to_owned()),
                ThreadScope::Thread(first) => Some(first.clone()),
            },
        }
    }
}

/// A person's receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts(BTreeMap<ReceiptKey, (String, LogPosition)>);

impl Receipts {
    /// The event that a receipt names.
    pub fn event(&self, key: &ReceiptKey) -> Option<&str> {
        self.0.get(key).map(|(event, _)| event.as_str())
    }

    /// Gives the entry that is replaced.
    pub(super) fn set(&mut self, fact: &ReceiptSet, at: LogPosition) -> Option<LogPosition> {
        let key = ReceiptKey::new(&fact.room, fact.kind, &fact.thread);
        let replaced = self.0.insert(key, (fact.event_id.clone(), at));
        if self.0.len() > RECEIPTS_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.0.remove(&key);
            }
        }
        replaced.map(|(_, at)| at)
    }
}
