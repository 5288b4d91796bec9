//! The answer to an append, and the wait for its durability.
//!
//! Owns the handle that a caller waits on. I3: no answer leaves before it says so.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use facts::{EntryHeader, LogPosition, Revision, Timestamp};
use tokio::sync::oneshot;

use crate::AppendFault;

/// A batch that has its positions and is on its way to the disk.
#[derive(Debug)]
pub struct Appended {
    /// Position of the first entry; the others follow.
    pub first: LogPosition,
    /// Headers as they are written, in order of the drafts.
    pub headers: Vec<EntryHeader>,
    /// The time that the entries carry.
    pub recorded_at: Timestamp,
    /// To wait on.
    pub durable: Durable,
}

impl Appended {
    /// Position of the last entry.
    pub fn last(&self) -> LogPosition {
        LogPosition(self.first.0 + self.headers.len().saturating_sub(1) as u64)
    }

    /// Position of the entry of the k-th draft.
    pub fn position(&self, k: usize) -> Option<LogPosition> {
        self.headers.get(k).map(|header| header.position)
    }

    /// Revision of the entry of the k-th draft.
    pub fn revision(&self, k: usize) -> Option<Revision> {
        self.headers.get(k).map(|header| header.revision)
    }
}

/// Resolves once the batch is durable, or will not be. As a future, or by blocking.
#[derive(Debug)]
pub struct Durable(pub(crate) oneshot::Receiver<Result<(), AppendFault>>);

impl Future for Durable {
    type Output = Result<(), AppendFault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A sender that is gone belongs to a writer that stopped before this batch's write.
        let answer = Pin::new(&mut self.0).poll(cx);
        answer.map(|answer| answer.unwrap_or(Err(AppendFault::Failed)))
    }
}

impl Durable {
    /// Blocks the thread until it is known. Not for asynchronous code.
    pub fn wait(self) -> Result<(), AppendFault> {
        wait_for(self)
    }
}

/// Blocks the thread until a future of this crate resolves; needs no runtime.
pub(crate) fn wait_for<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    // Inside a runtime's task, its budget of polls would run out, and never be renewed here.
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_blocking_wait_ends_inside_a_task_too() {
        // More polls than one task may do without yielding.
        for _ in 0..1_000 {
            let (sender, receiver) = oneshot::channel();
            sender.send(Ok(())).unwrap();
            Durable(receiver).wait().unwrap();
        }
    }
}
