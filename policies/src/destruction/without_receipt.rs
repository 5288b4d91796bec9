//! Orders of earlier runs that have no receipt: a crash, or a fault, broke the run off.
//!
//! Owns finding them and taking them over: what they took is said by the next receipt, their
//! files are removed again, their ciphertext is scavenged with the rest. Every run walks the whole
//! log in any case, and passes orders and receipts on its way. Invariant: I10.

use event_log::ReadFault;
use facts::{
    EntryHeader, Fact, FactBody as _, LogPosition,
    fact::{DestructionRunEnded, ShredContents},
};

use super::{Destroyer, RunFault, RunStep, tally::Tally};

/// What the walk has passed since the last receipt: positions of [`ShredContents`]. A run gives one
/// order for thousands of records, so these stay few; what is above the bound is left to the run
/// after this one's receipt to say nothing of.
#[derive(Clone, Debug, Default)]
pub(super) struct WithoutReceipt(Vec<LogPosition>);

/// Orders that one receipt takes over, at most.
const ORDERS_MAX: usize = 100_000;

impl WithoutReceipt {
    /// The walk passes an entry.
    pub(super) fn pass(&mut self, header: &EntryHeader) {
        match header.fact_type {
            ShredContents::TYPE if self.0.len() < ORDERS_MAX => self.0.push(header.position),
            // It speaks of all orders before it.
            DestructionRunEnded::TYPE => self.0.clear(),
            _ => {}
        }
    }
}

impl Destroyer {
    /// Takes over what earlier runs left without a receipt.
    pub(super) async fn take_over(
        &self,
        without: &WithoutReceipt,
        tally: &mut Tally,
    ) -> Result<(), RunFault> {
        // The latest first: the first order of the tally is the earliest in the end.
        for position in without.0.iter().rev() {
            let Some(contents) = self.contents_at(*position)? else { continue };
            let order = contents.order.resolve(self.batch_of(*position)?);
            let Some(Fact::ShredOrdered(ordered)) = self.fact_at(order)? else { continue };
            tally.trees(&ordered.ranges);
            tally.earlier_order(order, &contents.records);
            self.remove_files(&contents.files, tally).await;
        }
        Ok(())
    }

    /// Removes files whose keys are gone. A crash before a file is removed leaves bytes that
    /// nothing opens: the next run removes them.
    pub(super) async fn remove_files(&self, files: &[String], tally: &mut Tally) {
        for file in files {
            (self.before)(RunStep::RemoveFile);
            tally.file(self.blobs.remove(file).await);
        }
    }

    fn contents_at(&self, position: LogPosition) -> Result<Option<ShredContents>, RunFault> {
        Ok(match self.fact_at(position)? {
            Some(Fact::ShredContents(contents)) => Some(contents),
            _ => None,
        })
    }

    fn batch_of(&self, position: LogPosition) -> Result<LogPosition, RunFault> {
        let headers = self.record.headers(position, 1).map_err(read)?;
        Ok(headers.first().map_or(position, |header| header.batch))
    }

    fn fact_at(&self, position: LogPosition) -> Result<Option<Fact>, RunFault> {
        let Some(entry) = self.record.open(position).map_err(read)? else { return Ok(None) };
        entry.fact().map_err(|error| {
            let fault =
                crate::record_description::DescribeFault::Shape(position, error.to_string());
            RunFault::Describe(fault)
        })
    }
}

fn read(fault: ReadFault) -> RunFault {
    RunFault::Describe(fault.into())
}
