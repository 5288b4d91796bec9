//! The scrub: reading closed segments in the background, because disks forget.

use super::Log;
use crate::{
    Damage, DamageKind, ReadFault, StopReason,
    segment::{self, scan::Step, shelf::scan_closed},
};

impl Log {
    /// Reads every closed segment entirely and checks it. The first fault stops the writer (I13);
    /// reads go on. `keep_going` is asked before each segment, to pace and to end a scrub.
    ///
    /// Blocks on the disk; run it on a thread of its own.
    pub fn scrub(&self, mut keep_going: impl FnMut() -> bool) -> Result<(), ReadFault> {
        for first in self.shared.shelf.closed() {
            if !keep_going() {
                return Ok(());
            }
            let scrubbed = self.scrub_segment(first);
            if let Err(ReadFault::Damage(damage)) = &scrubbed {
                tracing::error!(%damage, "the scrub found damage");
                self.shared.queue.stop(StopReason::Damage);
            }
            scrubbed?;
        }
        Ok(())
    }

    fn scrub_segment(&self, first: facts::LogPosition) -> Result<(), ReadFault> {
        let path = segment::path(self.shared.shelf.dir(), first);
        let mut scan = scan_closed(&path, first)?;
        let end = scan.run(|_| Ok::<(), ReadFault>(()))?;
        let of_this_log = scan.chain().log_id == Some(self.shared.log_id);
        match end {
            Step::Footer if of_this_log => Ok(()),
            Step::Footer => Err(scan.damage(DamageKind::LogId).into()),
            _ => Err(footer_missing(&scan).into()),
        }
    }
}

fn footer_missing(scan: &segment::scan::Scan) -> Damage {
    scan.damage(DamageKind::Footer)
}
