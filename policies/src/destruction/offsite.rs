//! Waiting until orders are off-site, before a receipt says that they are carried out.
//!
//! Owns the wait and what a status says of it. It has no end of its own: a store that cannot be
//! reached keeps the receipt back and not the destruction, whose keys are gone by then. Who ships
//! the orders is not known here.

use std::{sync::Arc, time::Duration};

use facts::LogPosition;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::RunFault;

/// Between two questions whether the server is stopping.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// How far orders are kept off-site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsiteOrders {
    /// Every order up to here is there, and reported; `None` before that was looked at.
    pub through: Option<LogPosition>,
    /// What keeps the others from getting there.
    pub trouble: Option<String>,
}

/// An order that a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its position.
    pub order: LogPosition,
    /// What keeps it from getting off-site; `None` while it is on its way.
    pub trouble: Option<String>,
}

/// The off-site copy, as a run sees it; clones share it.
#[derive(Clone, Debug)]
pub struct Offsite {
    orders: watch::Receiver<OffsiteOrders>,
    waits_for: Arc<Mutex<Option<LogPosition>>>,
}

impl Offsite {
    /// Over what the shipper tells.
    pub fn new(orders: watch::Receiver<OffsiteOrders>) -> Self {
        Self { orders, waits_for: Arc::default() }
    }

    /// What is waited for now.
    pub fn waiting(&self) -> Option<Waiting> {
        let order = (*self.waits_for.lock())?;
        Some(Waiting { order, trouble: self.orders.borrow().trouble.clone() })
    }

    /// Returns when the order is off-site, or the server stops.
    pub(super) async fn wait_for(
        &self,
        order: LogPosition,
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<(), RunFault> {
        *self.waits_for.lock() = Some(order);
        let done = self.there(order, stopping).await;
        *self.waits_for.lock() = None;
        done
    }

    async fn there(
        &self,
        order: LogPosition,
        stopping: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<(), RunFault> {
        let mut orders = self.orders.clone();
        loop {
            if orders.borrow_and_update().through.is_some_and(|through| through >= order) {
                return Ok(());
            }
            if stopping() {
                return Err(RunFault::Stopping);
            }
            tokio::select! {
                moved = orders.changed() => moved.map_err(|_| RunFault::Broken)?,
                () = tokio::time::sleep(ASK_EVERY) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_receipt_waits_for_its_order_and_says_why_and_a_stop_ends_the_wait() {
        let (told, orders) = watch::channel(OffsiteOrders::default());
        let offsite = Offsite::new(orders);
        let order = LogPosition(7);
        let waiting = tokio::spawn({
            let offsite = offsite.clone();
            async move { offsite.wait_for(order, &|| false).await }
        });
        while offsite.waiting().is_none() {
            tokio::task::yield_now().await;
        }
        told.send_modify(|orders| orders.trouble = Some("refused".to_owned()));
        let trouble = Some("refused".to_owned());
        assert_eq!(offsite.waiting(), Some(Waiting { order, trouble }));
        told.send_modify(|orders| orders.through = Some(LogPosition(6)));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished(), "an earlier order is not this one");
        told.send_modify(|orders| orders.through = Some(order));
        assert!(waiting.await.expect("a task").is_ok());
        assert_eq!(offsite.waiting(), None);
        let stopped = offsite.wait_for(LogPosition(8), &|| true).await;
        assert!(matches!(stopped, Err(RunFault::Stopping)));
    }
}
