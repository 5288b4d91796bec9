//! The accept loop of one listener.

use std::{sync::Arc, time::Duration};

use hyper_util::server::graceful::GracefulShutdown;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{Listener, ServerBounds, connection::serve_connection};
use crate::shutdown::Stopping;

/// Pause after a failed accept: mostly the process is out of file descriptors, and asking again
/// at once would only burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until told to stop, then drains.
pub(super) async fn serve_listener(
    listener: Listener,
    bounds: ServerBounds,
    mut stopping: Stopping,
) {
    let Listener { name, socket, routes } = listener;
    let slots = Arc::new(Semaphore::new(bounds.connections_max.min(Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let bounds = Arc::new(bounds);
    let mut connections = JoinSet::new();
    loop {
        // The slot comes first: without one, connections wait in the kernel's bounded queue.
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            let slot = slot.expect("nobody closes the semaphore");
            (slot, socket.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            biased;
            () = stopping.requested() => break,
            next = next => next,
            // Ended connections are collected as they end, or the set would grow.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (routes, bounds) = (routes.clone(), Arc::clone(&bounds));
                let watcher = graceful.watcher();
                connections.spawn(async move {
                    serve_connection(stream, peer.ip(), routes, &bounds, watcher).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(listener = name, %error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // From here on a new connection is refused by the kernel, not left waiting.
    drop(socket);
    if tokio::time::timeout(bounds.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(listener = name, connections = connections.len(), "cut off while draining");
    }
    connections.shutdown().await;
}
