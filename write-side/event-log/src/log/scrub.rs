//! The scrub: reading closed segments in the background, because disks forget.
//!
//! Owns its pace. It also drops ciphertext that an order had to leave in a segment which was
//! still written to, now that the segment is closed. Invariants: I9 (waiting is the caller's),
//! I10 (bounded rate), I13 (the first fault stops the writer, reads go on).

use std::time::Duration;

use facts::LogPosition;

use super::Log;
use crate::{
    DamageKind, ReadFault, StopReason,
    frame::StoredPart,
    segment::{self, beside::WRITING_REST, scan::ScannedWrite, scan::Step, shelf::scan_closed},
};

/// How fast the scrub reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrubPace {
    /// Bytes read a second, on average; the scrub rests after each segment.
    pub bytes_per_second: u64,
    /// Rest between the end of a round and the next.
    pub between_rounds: Duration,
}

impl Default for ScrubPace {
    /// 4 MiB a second, a round a day.
    fn default() -> Self {
        Self { bytes_per_second: 4 * 1024 * 1024, between_rounds: Duration::from_hours(24) }
    }
}

impl Log {
    /// Scrubs round after round at a bounded rate, until `pause` says that it is time to end or
    /// a fault is found. `pause` waits for as long as it is told and answers whether to go on.
    ///
    /// Blocks; run it on a thread of its own. Damage stops the writer; a segment that could not
    /// be read is tried again in the next round.
    pub fn scrub_in_rounds(
        &self,
        pace: ScrubPace,
        mut pause: impl FnMut(Duration) -> bool,
    ) -> Result<(), ReadFault> {
        loop {
            for first in self.shared.shelf.closed() {
                let mut rest = || {
                    // Whether to go on is asked after the segment.
                    pause(WRITING_REST);
                };
                let read = match self.scrub_one(first, &mut rest) {
                    Ok(bytes) => bytes,
                    Err(ReadFault::Io(error)) => {
                        tracing::warn!(%error, "the scrub could not read a segment");
                        0
                    }
                    Err(fault) => return Err(fault),
                };
                if !pause(rest_after(read, pace.bytes_per_second)) {
                    return Ok(());
                }
            }
            if !pause(pace.between_rounds) {
                return Ok(());
            }
        }
    }

    /// Reads every closed segment entirely and checks it, once. The first fault stops the writer
    /// (I13); reads go on. `keep_going` is asked before each segment.
    ///
    /// Blocks on the disk; run it on a thread of its own.
    pub fn scrub(&self, mut keep_going: impl FnMut() -> bool) -> Result<(), ReadFault> {
        for first in self.shared.shelf.closed() {
            if !keep_going() {
                return Ok(());
            }
            self.scrub_one(first, &mut || ())?;
        }
        Ok(())
    }

    fn scrub_one(&self, first: LogPosition, rest: &mut dyn FnMut()) -> Result<u64, ReadFault> {
        let scrubbed = self.scrub_segment(first);
        if let Err(ReadFault::Damage(damage)) = &scrubbed {
            tracing::error!(%damage, "the scrub found damage");
            self.shared.queue.stop(StopReason::Damage);
        }
        let (bytes, left_behind) = scrubbed?;
        if left_behind {
            self.scavenge_left_behind(first, rest)?;
        }
        Ok(bytes)
    }

    /// Bytes of the segment, and whether it holds ciphertext of destroyed parts.
    fn scrub_segment(&self, first: LogPosition) -> Result<(u64, bool), ReadFault> {
        let path = segment::path(self.shared.shelf.dir(), first);
        let mut scan = scan_closed(&path, first)?;
        let mut left_behind = false;
        let end = scan.run(|write| {
            left_behind = left_behind || self.holds_destroyed(&write);
            Ok::<(), ReadFault>(())
        })?;
        let of_this_log = scan.chain().log_id == Some(self.shared.log_id);
        match end {
            Step::Footer if of_this_log => Ok((scan.length(), left_behind)),
            Step::Footer => Err(scan.damage(DamageKind::LogId).into()),
            _ => Err(scan.damage(DamageKind::Footer).into()),
        }
    }

    fn holds_destroyed(&self, write: &ScannedWrite) -> bool {
        write.entries.iter().any(|entry| {
            let header = &entry.frame.header;
            header.parts.iter().zip(&entry.frame.parts).any(|(part, stored)| {
                matches!(stored, StoredPart::Sealed(_)) && self.shared.vault.is_gone(header, part)
            })
        })
    }
}

/// How long to rest after so many bytes; reading itself is quick and not counted.
fn rest_after(bytes: u64, bytes_per_second: u64) -> Duration {
    Duration::from_millis(bytes.saturating_mul(1000) / bytes_per_second.max(1))
}
