//! A stretch of the log, judged: what is to be destroyed in it, as key ranges.
//!
//! Owns the walk over headers and the bounds of one stretch. What can be told from a header alone
//! (already destroyed, of a kind that nothing ends) is not opened. Reads; destroys nothing.
//! Invariants: I4 (age by recorded time), I10.

use std::collections::{BTreeMap, BTreeSet};

use commands::WriteSide;
use decide::policy::{Extent, InForce, takes};
use event_log::{Entry, ReadFault};
use facts::{
    EntryHeader, KeyEpoch, LogPosition, PartHeader, RecordClass, Timestamp,
    fact::{RecordKind, ShredCause},
};
use projections::{ClientView, Snapshot};

use super::{
    RunFault,
    erased_days::ErasedDays,
    judging::{Destroy, Judged, judge},
    key_ranges::{Ranges, SeenTrees},
    keys::Keys,
    stubbing::Stubs,
    unsettled::Unsettled,
    without_receipt::WithoutReceipt,
};
use crate::{
    record_description::{DescribeFault, Described, DescribedRecord, Describer, kind_of},
    scope_walk::Record,
};

/// Headers read at once.
const HEADERS_AT_ONCE: usize = 25;
/// Entries looked at without a rest: about a tenth of a millisecond.
pub(super) const WITHOUT_REST: usize = 5;
/// Entries judged with one look at the view, about: a quarter of a second where others write.
const A_LOOK: usize = 1_000;
/// A stretch looks at so many entries, and at more only to come to the end of a day.
const SCANNED: usize = 20_000;
/// A stretch looks at so many entries, at most.
const SCANNED_MAX: usize = 200_000;
/// Key ranges of one stretch, at most: its orders have to fit into an entry each.
const RANGES_MAX: usize = 3_500;
/// Stubs of one stretch, at most: some 50,000 of the common kind.
const STUBS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What judging works with.
pub(super) struct Judging<'a> {
    pub(super) record: &'a dyn Record,
    pub(super) keys: &'a dyn Keys,
    pub(super) view: &'a ClientView,
    pub(super) write_side: &'a WriteSide,
    pub(super) in_force: &'a InForce,
    pub(super) now: Timestamp,
    /// The last entry that is judged.
    pub(super) until: LogPosition,
}

/// What goes on from one stretch to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// Where the next stretch begins.
    pub(super) next: LogPosition,
    /// Leaves seen so far.
    seen: SeenTrees,
    days: ErasedDays,
    /// Orders of earlier runs that have no receipt.
    pub(super) receipts: WithoutReceipt,
}

/// What one order takes. Whatever is counted here has its keys in the same order.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// Key ranges.
    pub(super) ranges: Ranges,
    /// Records that go.
    pub(super) destroyed: BTreeMap<RecordKind, u64>,
    /// Files of media that go.
    pub(super) files: Vec<String>,
    /// Views and folds can hold replaced values of them.
    pub(super) copied: bool,
}

/// What one stretch holds.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// What goes, by the cause of its order.
    pub(super) due: BTreeMap<ShredCause, Due>,
    /// What stands for skeletons that go.
    pub(super) stubs: Stubs,
    /// Records that a hold or a floor keeps.
    pub(super) restricted: u64,
    /// Persons of whom such records are.
    pub(super) restricted_of: BTreeSet<String>,
    /// The walk is at its end.
    pub(super) done: bool,
    /// What the view may tell otherwise before the orders are given.
    pub(super) unsettled: Unsettled,
}

impl Judging<'_> {
    /// Judges the next stretch; `progress` is moved past it. Blocks on disk, and in `rest`, which is
    /// called again and again.
    pub(super) fn chunk(
        &self,
        progress: &mut Progress,
        rest: &mut dyn FnMut(),
    ) -> Result<Chunk, RunFault> {
        let mut chunk = Chunk::default();
        let mut scanned = 0;
        while !chunk.done && !chunk.is_full(progress, scanned) {
            let view = self.view_until()?;
            let describer = Describer::new(&view, self.write_side);
            self.look(describer, progress, &mut chunk, &mut scanned, rest)?;
        }
        progress.days.flush(&mut chunk.due.entry(ShredCause::Erasure).or_default().ranges);
        chunk.due.retain(|_, due| due.ranges.len() > 0);
        Ok(chunk)
    }

    /// The view as it is now, which knows all entries that are judged.
    pub(super) fn view_until(&self) -> Result<Snapshot, RunFault> {
        match self.view.snapshot() {
            Ok(view) if view.position() >= self.until => Ok(view),
            _ => Err(RunFault::ViewBehind),
        }
    }

    /// Judges with one look at the view. Its files stay on disk as long as a look at them lasts,
    /// and those that were replaced meanwhile go all at once: so no look lasts long.
    fn look(
        &self,
        mut describer: Describer<'_>,
        progress: &mut Progress,
        chunk: &mut Chunk,
        scanned: &mut usize,
        rest: &mut dyn FnMut(),
    ) -> Result<(), DescribeFault> {
        let from = *scanned;
        while *scanned - from < A_LOOK {
            let headers = self.headers(progress.next)?;
            if headers.is_empty() {
                chunk.done = true;
                break;
            }
            for header in headers {
                let today = header.recorded_at.day();
                let ranges = &mut chunk.due.entry(ShredCause::Erasure).or_default().ranges;
                progress.days.end_before(today, &mut progress.seen, ranges);
                progress.receipts.pass(&header);
                self.entry(&mut describer, &header, progress, chunk)?;
                progress.next = header.position.next();
                *scanned += 1;
                if scanned.is_multiple_of(WITHOUT_REST) {
                    rest();
                }
                if chunk.is_full(progress, *scanned) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn headers(&self, next: LogPosition) -> Result<Vec<EntryHeader>, ReadFault> {
        if next > self.until {
            return Ok(Vec::new());
        }
        let mut headers = self.record.headers(next, HEADERS_AT_ONCE)?;
        headers.retain(|header| header.position <= self.until);
        Ok(headers)
    }

    fn entry(
        &self,
        describer: &mut Describer<'_>,
        header: &EntryHeader,
        progress: &mut Progress,
        chunk: &mut Chunk,
    ) -> Result<(), DescribeFault> {
        let parts: Vec<Taken<'_>> = self.taken(header).collect();
        if parts.iter().all(|part| part.gone) {
            for part in &parts {
                part.seen_gone(&mut progress.seen);
            }
            return Ok(());
        }
        let kind = kind_of(header).filter(|kind| self.in_force.may_destroy(*kind));
        let judged = match kind {
            None => None,
            Some(_) => match self.record.open(header.position).map_err(DescribeFault::from)? {
                None => None,
                Some(entry) => self.judged(describer, &entry)?,
            },
        };
        let keeps_day = !self.in_force.erasures.is_empty();
        match judged {
            Some((mut described, Judged::Destroy(destroy))) => {
                let stub = described.stub.take().filter(|_| destroy.extent == Extent::Whole);
                for part in &parts {
                    if part.goes(destroy.extent, stub.is_some()) {
                        part.destroy(destroy, progress, chunk);
                    } else {
                        part.keep(keeps_day, progress);
                    }
                }
                if let Some(stub) = stub {
                    chunk.stubs.add(header.stream, stub);
                }
                chunk.unsettled.note(header, &described, destroy);
                chunk.count(*described, destroy.cause);
            }
            Some((described, judged)) => {
                if let Judged::Restricted(_) = judged {
                    chunk.restricted += 1;
                    // Of a skeleton alone nothing is the person's any more.
                    let owner = described.record.owner.filter(|_| described.left);
                    chunk.restricted_of.extend(owner);
                }
                for part in &parts {
                    part.keep(keeps_day, progress);
                }
            }
            // What is no record holds nobody back.
            None => {
                for part in &parts {
                    part.keep(false, progress);
                }
            }
        }
        Ok(())
    }

    /// The record of an entry with its judgment; `None` for what is no record.
    pub(super) fn judged(
        &self,
        describer: &mut Describer<'_>,
        entry: &Entry,
    ) -> Result<Option<(Box<DescribedRecord>, Judged)>, DescribeFault> {
        Ok(match describer.describe(entry)? {
            Described::NoRecord => None,
            Described::Unjudged(kind) => {
                let (position, at) = (entry.header.position, entry.header.recorded_at);
                let record = projections::query::RecordDescription::of(kind, at);
                let unknown = DescribedRecord::unknown(position, record);
                Some((Box::new(unknown), Judged::Kept))
            }
            Described::Record(described) => {
                let judged = judge(&described, self.in_force, self.now);
                Some((described, judged))
            }
        })
    }

    fn taken<'h>(&self, header: &'h EntryHeader) -> impl Iterator<Item = Taken<'h>> {
        let leaf = u32::try_from(header.revision.0).unwrap_or(u32::MAX);
        let parts = header.parts.iter().enumerate();
        let taken = parts.filter(|(_, part)| takes(part.class, Extent::Whole));
        taken.map(move |(number, part)| Taken {
            part,
            epoch: header.key_epoch,
            leaf,
            day: header.recorded_at.day(),
            gone: self.keys.is_destroyed(header, number),
        })
    }
}

/// A part that a destruction takes.
struct Taken<'h> {
    part: &'h PartHeader,
    epoch: KeyEpoch,
    leaf: u32,
    day: u32,
    gone: bool,
}

impl Taken<'_> {
    fn tree(&self) -> (KeyEpoch, u32) {
        (self.epoch, self.part.stream_tree.0)
    }

    fn person(&self) -> Option<(KeyEpoch, u32)> {
        let tree = self.part.person_tree;
        tree.is_some().then_some((self.epoch, tree.0))
    }

    /// Whether a destruction of this much takes it. A skeleton goes where a stub stands for it.
    fn goes(&self, extent: Extent, stubbed: bool) -> bool {
        let class = self.part.class;
        takes(class, extent) && (stubbed || class != RecordClass::MessageSkeleton)
    }

    fn seen_gone(&self, seen: &mut SeenTrees) {
        seen.gone(self.tree(), self.leaf);
    }

    fn keep(&self, keeps_day: bool, progress: &mut Progress) {
        if self.gone {
            return self.seen_gone(&mut progress.seen);
        }
        progress.seen.kept(self.tree());
        if let Some(person) = self.person().filter(|_| keeps_day) {
            progress.days.kept(person, self.day);
        }
    }

    fn destroy(&self, destroy: Destroy, progress: &mut Progress, chunk: &mut Chunk) {
        if self.gone {
            return self.seen_gone(&mut progress.seen);
        }
        if let (Some(at), Some(person)) = (destroy.erasure_of, self.person()) {
            // Its own leaf may stay, if the day's goes.
            progress.seen.kept(self.tree());
            progress.days.destroy(person, self.day, (self.tree(), self.leaf), at);
        } else {
            let ranges = &mut chunk.due.entry(destroy.cause).or_default().ranges;
            ranges.destroy(&mut progress.seen, self.tree(), self.leaf);
        }
    }
}

impl Chunk {
    fn count(&mut self, described: DescribedRecord, cause: ShredCause) {
        let (kind, due) = (described.record.kind, self.due.entry(cause).or_default());
        *due.destroyed.entry(kind).or_default() += 1;
        due.files.extend(described.blob);
        due.copied |= described.copied || super::has_copies(kind, cause);
    }

    fn is_full(&self, progress: &Progress, scanned: usize) -> bool {
        let waiting = progress.days.waiting();
        let ranges: usize = self.due.values().map(|due| due.ranges.len()).sum();
        let at_an_end = scanned >= SCANNED && waiting == 0;
        let bounded = ranges + waiting < RANGES_MAX && self.stubs.bytes() < STUBS_BYTES_MAX;
        at_an_end || scanned >= SCANNED_MAX || !bounded
    }
}
