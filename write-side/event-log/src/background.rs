//! Work that nobody waits for: judging, scavenging, scrubbing.
//!
//! Owns how it keeps out of the way of those who are waited for: threads of a lower priority, so
//! that a thread that answers people takes the processor from them at once and not when their
//! turn is over. Never does anything that an answer waits for, and never holds a lock over a rest.

use std::{io, thread};

use tokio::sync::oneshot;

/// Added to the niceness of the process's threads. A thread that is preempted with a short lock in
/// its hand still gets a tenth of a busy processor; the lowest priority would get a seventieth.
const NICER_BY: i32 = 10;

/// The thread broke off before it had an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thread in the background broke off")]
pub struct BrokeOff;

/// Runs `work` on a thread of its own in the background.
pub async fn in_background<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BrokeOff> {
    let (answer, answered) = oneshot::channel();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        give_way();
        // Whoever asked may have gone.
        let _ = answer.send(work());
    });
    if let Err(error) = thread {
        tracing::error!(%error, "no thread for work in the background");
        return Err(BrokeOff);
    }
    answered.await.map_err(|_| BrokeOff)
}

/// Lowers the priority of this thread, for as long as it lives.
pub fn give_way() {
    if let Err(error) = lower_priority() {
        tracing::debug!(%error, "this thread keeps its priority");
    }
}

/// On Linux a thread has a niceness of its own, and "no process" is the calling thread.
fn lower_priority() -> io::Result<()> {
    let now = rustix::process::getpriority_process(None)?;
    Ok(rustix::process::setpriority_process(None, now + NICER_BY)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_in_the_background_gives_way_and_answers() {
        let before = rustix::process::getpriority_process(None).unwrap();
        let inside = in_background("test", || rustix::process::getpriority_process(None).unwrap());
        assert_eq!(inside.await, Ok((before + NICER_BY).min(19)));
        let after = rustix::process::getpriority_process(None).unwrap();
        assert_eq!(after, before, "only the one thread");
    }

    #[tokio::test]
    async fn one_that_panics_has_broken_off() {
        let gone = in_background::<()>("test", || panic!("on purpose"));
        assert_eq!(gone.await, Err(BrokeOff));
    }
}
