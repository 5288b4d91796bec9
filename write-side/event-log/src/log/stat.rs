//! What an operator wants to know of a log at a glance.

use std::{fs, io};

use facts::{Incarnation, KeyEpoch, LogPosition};
use serde::Serialize;

use super::Log;
use crate::{StopReason, segment};

/// Numbers of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogStat {
    /// Identity, in hexadecimal.
    pub log_id: String,
    /// Incarnation of new entries.
    pub incarnation: Incarnation,
    /// Segments, the active one included.
    pub segments: usize,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Durable entries.
    pub entries: u64,
    /// Position of the last durable entry.
    pub head: LogPosition,
    /// The key epoch of new entries.
    pub epoch: KeyEpoch,
    /// Position of the last destruction that the keyring knows.
    pub destroyed_through: LogPosition,
    /// Why the writer stopped, in words.
    pub stopped: Option<String>,
}

impl Log {
    /// Numbers of the log.
    pub fn stat(&self) -> io::Result<LogStat> {
        let segments = self.shared.shelf.segments();
        let mut bytes = 0;
        for first in &segments {
            bytes += fs::metadata(segment::path(self.shared.shelf.dir(), *first))?.len();
        }
        let keyring = self.shared.vault.keyring();
        let head = self.head();
        Ok(LogStat {
            log_id: self.log_id().to_string(),
            incarnation: self.incarnation(),
            segments: segments.len(),
            bytes,
            entries: head.0 + 1,
            head,
            epoch: keyring.epoch_for_sealing(),
            destroyed_through: keyring.applied_through(),
            stopped: self.stopped().map(|reason: StopReason| reason.to_string()),
        })
    }
}
