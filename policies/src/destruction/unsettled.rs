//! What may be judged otherwise between judging and ordering.
//!
//! Owns the second look. Orders are conditional on the governance stream alone, and a stretch takes
//! a while, with rests and stubs before its orders. Meanwhile somebody may refer to a medium again,
//! a state may be in force again, and a room may wish for something else. Reads; destroys nothing.

use std::collections::BTreeMap;

use decide::policy::RoomRetention;
use facts::{EntryHeader, LogPosition, StreamId, fact::RecordKind};

use super::{
    RunFault,
    chunk::{Chunk, Judging, WITHOUT_REST},
    judging::{Destroy, Judged},
};
use crate::record_description::{DescribeFault, DescribedRecord, Describer};

/// What of a stretch goes by such things. Bounded as the stretch is (I10).
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    /// Media and state, with their judgment.
    records: BTreeMap<LogPosition, Destroy>,
    /// What rooms wished for when messages of theirs were judged.
    wishes: BTreeMap<StreamId, RoomRetention>,
}

impl Unsettled {
    /// A record is due.
    pub(super) fn note(
        &mut self,
        header: &EntryHeader,
        described: &DescribedRecord,
        destroy: Destroy,
    ) {
        match described.record.kind {
            RecordKind::Media | RecordKind::State => {
                self.records.insert(header.position, destroy);
            }
            RecordKind::Messages => {
                self.wishes.insert(header.stream, described.record.room_retention);
            }
            _ => {}
        }
    }
}

impl Judging<'_> {
    /// Whether all of a stretch would be judged as it was, by the view as it is now.
    pub(super) fn stands(&self, chunk: &Chunk, rest: &mut dyn FnMut()) -> Result<bool, RunFault> {
        let view = self.view_until()?;
        let mut describer = Describer::new(&view, self.write_side);
        for (room, wishes) in &chunk.unsettled.wishes {
            if view.wishes_of(*room).map_err(DescribeFault::from)? != *wishes {
                return Ok(false);
            }
        }
        for (number, (position, destroy)) in (1..).zip(&chunk.unsettled.records) {
            let Some(entry) = self.record.open(*position).map_err(DescribeFault::from)? else {
                return Ok(false);
            };
            match self.judged(&mut describer, &entry)? {
                Some((_, Judged::Destroy(now))) if now == *destroy => {}
                _ => return Ok(false),
            }
            if number % WITHOUT_REST == 0 {
                rest();
            }
        }
        Ok(true)
    }
}
