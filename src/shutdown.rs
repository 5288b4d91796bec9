//! Stopping in order.
//!
//! Owns the signal to stop: SIGTERM or SIGINT makes it, everybody who runs for long watches it.
//! The log needs no shutdown to be right (I3, I7): stopping in order only spares clients errors.

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Tells the process to stop.
#[derive(Debug)]
pub(crate) struct Stopper(watch::Sender<bool>);

/// Waits for the process to be told to stop; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stopping(watch::Receiver<bool>);

/// A pair of teller and waiter.
pub(crate) fn stopping() -> (Stopper, Stopping) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stopping(receiver))
}

impl Stopper {
    /// Tells everybody to stop.
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Stops at the first SIGTERM or SIGINT.
    pub(crate) async fn stop_on_signals(self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
        self.stop();
        Ok(())
    }
}

impl Stopping {
    /// The watch itself, for layers that wait on it together with something else.
    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }

    /// Ends when the process is to stop.
    pub(crate) async fn requested(&mut self) {
        // An error means that the teller is gone, and with it whatever kept the process running.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}
