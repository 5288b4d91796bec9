//! What is shipped, and in which order.
//!
//! Owns the order: orders to destroy, each reported carried out only when the store has it; then
//! closed segments and media, by the code of `chancery backup`; then a checkpoint, over entries
//! whose orders are all there, also where the segments did not get there. A crash anywhere leaves
//! whole objects that the next start finds.

use std::path::PathBuf;

use anyhow::Result;
use facts::LogPosition;
use policies::destruction::OffsiteOrders;
use tokio::sync::watch;

use crate::{
    backup::{LiveLog, LockTerms, LogCopy, Place, ShippedLog, Shipping},
    config::offsite::Offsite,
};

const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;
/// Orders that are put before others are told of them.
const ORDERS_AT_ONCE: usize = 100;

/// Ships one log to one place.
pub(super) struct Shipper {
    live: LiveLog,
    data_dir: PathBuf,
    place: Place,
    terms: Box<dyn Fn() -> LockTerms + Send>,
    days_min: u32,
    held_always: bool,
    checkpoint_ms: u64,
    close_after_ms: u64,
    /// `None` before the store was asked.
    known: Option<Known>,
}

/// What is known to be there.
#[derive(Debug)]
struct Known {
    log: Option<ShippedLog>,
    /// Every order up to here is there.
    orders_through: LogPosition,
    /// Entries of the last checkpoint, and when it was put.
    checkpoint: (u64, u64),
}

impl Shipper {
    pub(super) fn new(
        live: LiveLog,
        data_dir: PathBuf,
        place: Place,
        terms: Box<dyn Fn() -> LockTerms + Send>,
        config: &Offsite,
    ) -> Self {
        Self {
            live,
            data_dir,
            place,
            terms,
            days_min: config.retention_days,
            held_always: config.legal_hold,
            checkpoint_ms: u64::from(config.checkpoint_seconds) * 1_000,
            close_after_ms: u64::from(config.close_after_hours) * HOUR_MS,
            known: None,
        }
    }

    /// Whether there is anything to ship; asks nobody. Times are in milliseconds since the epoch.
    pub(super) fn has_work(&self, now: u64) -> bool {
        let Some(known) = &self.known else { return true };
        self.live.log.orders_unreported() > 0
            || self.log_is_due(known, now)
            || self.checkpoint_is_due(known, now)
    }

    /// Ships all there is. An error means that what was shipped until then is there.
    pub(super) fn step(&mut self, now: u64, told: &watch::Sender<OffsiteOrders>) -> Result<()> {
        let place = self.place.locked_by((self.terms)());
        let mut shipping = Shipping::open(&place, now)?;
        let mut known = match self.known.take() {
            Some(known) => known,
            None => self.ask(&shipping)?,
        };
        let done = self.ship(&mut shipping, &place, &mut known, now, told);
        self.known = Some(known);
        done
    }

    /// What the store has. Orders in shipped segments need not be there by themselves.
    fn ask(&self, shipping: &Shipping) -> Result<Known> {
        let log = shipping.shipped(&self.live.point())?;
        let orders_through = log.map_or(LogPosition(0), |log| log.head);
        Ok(Known { log, orders_through, checkpoint: (0, 0) })
    }

    fn ship(
        &self,
        shipping: &mut Shipping,
        place: &Place,
        known: &mut Known,
        now: u64,
        told: &watch::Sender<OffsiteOrders>,
    ) -> Result<()> {
        // Before the orders: then those of all that it covers are shipped below.
        let published = self.live.ledger.published();
        self.ship_orders(shipping, known, told)?;
        let due = self.checkpoint_is_due(known, now);
        let segments = self.log_is_due(known, now);
        let shipped = if segments { self.ship_log(shipping, place, known, now) } else { Ok(()) };
        // Also where the log did not get there: a checkpoint tells that there was more.
        let size = published.checkpoint.size;
        if (due || segments) && size > known.checkpoint.0 && size <= known.orders_through.0 + 1 {
            let incarnation = self.live.log.incarnation().0;
            shipping.put_checkpoint(incarnation, size, &published.note.to_string())?;
            known.checkpoint = (size, now);
        }
        shipped
    }

    /// A crash behind a put leaves an order that is there and not reported: it is found there.
    fn ship_orders(
        &self,
        shipping: &mut Shipping,
        known: &mut Known,
        told: &watch::Sender<OffsiteOrders>,
    ) -> Result<()> {
        loop {
            // In this order: every order up to this head is listed.
            let head = self.live.log.head();
            let orders = self.live.log.sealed_orders_after(known.orders_through, ORDERS_AT_ONCE)?;
            for order in &orders {
                shipping.put_order(order)?;
                known.orders_through = order.position;
            }
            let all = orders.len() < ORDERS_AT_ONCE;
            if all {
                known.orders_through = known.orders_through.max(head);
            }
            let through = known.orders_through;
            self.live.log.orders_are_offsite(through)?;
            told.send_if_modified(|orders| orders.through.replace(through) != Some(through));
            if all {
                return Ok(());
            }
        }
    }

    fn ship_log(
        &self,
        shipping: &Shipping,
        place: &Place,
        known: &mut Known,
        now: u64,
    ) -> Result<()> {
        if let Some(point) = self.live.closed_point()? {
            let copy = LogCopy::take(&self.data_dir, place, &point, now)?;
            let report = copy.commit()?;
            tracing::debug!(head = %report.head, files = report.copied, "shipped off-site");
        }
        known.log = shipping.shipped(&self.live.point())?;
        Ok(())
    }

    /// New closed segments, other terms than those that it is locked by, or a day passed.
    fn log_is_due(&self, known: &Known, now: u64) -> bool {
        let Some(closed) = self.live.log.closed_through() else { return false };
        let Some(log) = known.log else { return true };
        let terms = (self.terms)();
        let days = terms.days.max(self.days_min);
        let moved = days > log.locked_days || (terms.held || self.held_always) != log.held;
        // A copy that `chancery backup` made may end behind the closed segments; it is not undone.
        closed > log.head
            || closed == log.head && (moved || now.saturating_sub(log.taken_at) >= DAY_MS)
    }

    fn checkpoint_is_due(&self, known: &Known, now: u64) -> bool {
        let (size, at) = known.checkpoint;
        now.saturating_sub(at) >= self.checkpoint_ms
            && self.live.ledger.published().checkpoint.size > size
    }

    /// Closes the open segment where its first entry is that old, so that it can be shipped.
    pub(super) fn close_old_segment(&self, now: u64) {
        let first = self.live.log.closed_through().map_or(LogPosition(0), LogPosition::next);
        if self.close_after_ms == 0 || first > self.live.log.head() {
            return;
        }
        let old = match self.live.log.read_raw(first) {
            Ok(Some(entry)) => {
                now.saturating_sub(entry.header.recorded_at.0) >= self.close_after_ms
            }
            _ => false,
        };
        if old && !self.live.log.close_segment() {
            tracing::debug!("the open segment was not closed; the log's writer has stopped");
        }
    }

    /// Says how far behind the off-site copy is.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a double, exact for such numbers")]
    pub(super) fn measure(&self) {
        let shipped = self.known.as_ref().and_then(|known| known.log);
        let shipped = shipped.map_or(0, |log| log.head.0 + 1);
        let behind = (self.live.log.head().0 + 1).saturating_sub(shipped);
        metrics::gauge!("chancery_offsite_lag_entries").set(behind as f64);
        let orders = self.live.log.orders_unreported();
        metrics::gauge!("chancery_offsite_orders_waiting").set(orders as f64);
    }
}
