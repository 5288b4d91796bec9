//! A progress bar on standard error, for work that takes longer than two seconds and has somebody
//! watching.

use std::{
    io::{IsTerminal, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Shorter work shows nothing.
const SHOW_AFTER: Duration = Duration::from_secs(2);
const REDRAW: Duration = Duration::from_millis(200);
const WIDTH: u64 = 40;

/// Counts steps; draws while it lives.
#[derive(Debug)]
pub(crate) struct Progress {
    done: Arc<AtomicU64>,
    drawing: Option<tokio::task::JoinHandle<()>>,
}

impl Progress {
    /// `total` steps of `what` lie ahead.
    pub(crate) fn start(what: &'static str, total: u64) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let drawing = std::io::stderr().is_terminal().then(|| {
            let done = Arc::clone(&done);
            tokio::spawn(draw(what, total.max(1), done))
        });
        Self { done, drawing }
    }

    /// One step more is done.
    pub(crate) fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(drawing) = self.drawing.take() {
            drawing.abort();
            // Clears the line; a terminal that is gone is no matter.
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

async fn draw(what: &'static str, total: u64, done: Arc<AtomicU64>) {
    let started = Instant::now();
    tokio::time::sleep(SHOW_AFTER).await;
    loop {
        let done = done.load(Ordering::Relaxed).min(total);
        let filled = usize::try_from(done * WIDTH / total).unwrap_or_default();
        let empty = usize::try_from(WIDTH).unwrap_or_default() - filled;
        let line = format!(
            "\r\x1b[K{what} [{}{}] {done}/{total} {}s",
            "#".repeat(filled),
            " ".repeat(empty),
            started.elapsed().as_secs()
        );
        if std::io::stderr().write_all(line.as_bytes()).is_err() {
            return;
        }
        tokio::time::sleep(REDRAW).await;
    }
}
