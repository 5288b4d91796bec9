//! Sockets to requests: accept loops and connections.
//!
//! Owns the bounds below HTTP (I10): connections at once, time for a header, silence in a body,
//! size of a header, time to drain. Knows no endpoint: routes come in as routers.

mod accept;
mod connection;
mod edge_bounds;
mod health;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, time::Duration};

use tokio::{net::TcpListener, task::JoinSet};

pub(crate) use self::{edge_bounds::edge_bounds, health::health_route};
use crate::{config::Config, shutdown::Stopping};

/// Longest header of a request, in bytes, and the buffer that holds it.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Fields of a header.
const HEADER_FIELDS_MAX: usize = 100;
/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 200;

/// A bound socket and what it serves.
pub(crate) struct Listener {
    /// For log lines: `client`, `federation`, `admin`.
    pub(crate) name: &'static str,
    /// The socket.
    pub(crate) socket: TcpListener,
    /// The routes, dressed.
    pub(crate) routes: axum::Router,
}

/// Bounds of all listeners.
#[derive(Clone, Debug)]
pub(crate) struct ServerBounds {
    /// Connections at once, for each listener; more wait in the kernel's queue.
    pub(crate) connections_max: usize,
    /// Time in which a header must arrive, and after which an idle connection is closed.
    pub(crate) header_timeout: Duration,
    /// Silence after which a body that is still arriving is given up.
    pub(crate) body_idle: Duration,
    /// Time that requests in progress get when the server stops.
    pub(crate) drain: Duration,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpAddr>,
}

impl ServerBounds {
    /// The bounds that a configuration names.
    pub(crate) fn of(config: &Config) -> Self {
        let limits = &config.limits;
        Self {
            connections_max: limits.connections,
            header_timeout: Duration::from_secs(limits.header_seconds),
            body_idle: Duration::from_secs(limits.body_idle_seconds),
            drain: Duration::from_secs(limits.drain_seconds),
            trusted_proxies: config.listen.trusted_proxies.clone(),
        }
    }
}

/// Serves all listeners until told to stop, then drains them, for at most `bounds.drain`.
pub(crate) async fn serve(listeners: Vec<Listener>, bounds: ServerBounds, stopping: Stopping) {
    let mut running = JoinSet::new();
    for listener in listeners {
        running.spawn(accept::serve_listener(listener, bounds.clone(), stopping.clone()));
    }
    // An accept loop ends by being told to; a panic in one has been reported and ends the others'
    // wait no sooner.
    while running.join_next().await.is_some() {}
}
