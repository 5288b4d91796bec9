//! Waiting for what a sync brings: one bell rings after each sync of anybody, and whoever waits
//! looks again.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::Result;

const WAIT: Duration = Duration::from_secs(60);

/// Rings after each sync; cloned for each person.
#[derive(Clone)]
pub struct Bell(watch::Sender<u64>);

impl Bell {
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub fn ring(&self) {
        self.0.send_modify(|rings| *rings += 1);
    }

    /// Looks after each ring until there is something, and gives that.
    ///
    /// # Errors
    /// What `look` fails with, or that nothing came in time.
    pub async fn until<T>(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let mut rings = self.0.subscribe();
        let search = async {
            loop {
                rings.borrow_and_update();
                if let Some(found) = look().await? {
                    return Ok(found);
                }
                rings.changed().await?;
            }
        };
        match timeout(WAIT, search).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!("{what} did not come within {WAIT:?}").into()),
        }
    }

    /// Looks after each ring until `look` says yes.
    ///
    /// # Errors
    /// What `look` fails with, or that it did not come true in time.
    pub async fn until_true(
        &self,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<bool>,
    ) -> Result<()> {
        self.until(what, async || Ok(look().await?.then_some(()))).await
    }
}
