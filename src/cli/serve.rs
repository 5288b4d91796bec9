//! `chancery serve`.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use clap::Args;
use facts::Timestamp;
use http_edge::{ADMISSION_RETRY, Claim, Edge, Session, SessionRefusal, Sessions, dress};
use tokio::net::TcpListener;

use super::{Failure, Origin};
use crate::{
    clock::SystemClock,
    config::Config,
    http_server::{Listener, ServerBounds, edge_bounds, health_route, serve},
    shutdown::{Stopping, stopping},
    telemetry::{Metrics, report_panics, start_logs},
};

#[derive(Debug, Args)]
pub(super) struct Serve {}

pub(super) fn run(_command: &Serve, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    start_logs(&config)?;
    report_panics();
    let metrics = Metrics::install()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(until_stopped(&config, metrics))?;
    Ok(ExitCode::SUCCESS)
}

async fn until_stopped(config: &Config, metrics: Metrics) -> anyhow::Result<()> {
    let (stopper, stopping) = stopping();
    let routes = routes(config, &stopping);
    let listeners = listeners(config, routes, &metrics).await?;
    let signals = tokio::spawn(stopper.stop_on_signals());
    let upkeep = tokio::spawn(metrics.upkeep());
    serve(listeners, ServerBounds::of(config), stopping).await;
    upkeep.abort();
    signals.await.context("the watch for signals broke")?
}

/// The routes of the listeners that clients and servers use.
struct Routes {
    client: Router,
    federation: Router,
}

/// The wiring of the layers.
fn routes(config: &Config, _stopping: &Stopping) -> Routes {
    let edge = Edge::new(
        Arc::new(NoSessions),
        Arc::new(SystemClock),
        edge_bounds(config),
    );
    Routes {
        client: dress(health_route(|| true), edge.clone()),
        federation: dress(Router::new(), edge),
    }
}

/// Stands where the sessions view will: with no view nobody can say whether a token is good.
struct NoSessions;

impl Sessions for NoSessions {
    fn lookup(&self, _claim: &Claim<'_>, _now: Timestamp) -> Result<Session, SessionRefusal> {
        Err(SessionRefusal::Lagging {
            retry_after: ADMISSION_RETRY,
        })
    }
}

async fn listeners(
    config: &Config,
    routes: Routes,
    metrics: &Metrics,
) -> anyhow::Result<Vec<Listener>> {
    let listen = &config.listen;
    if listen.tls_cert.is_some() {
        return Err(Failure::missing("serve", "TLS on its own listener (listen.tls_cert)").into());
    }
    let wanted = [
        ("client", listen.client, routes.client),
        ("federation", listen.federation, routes.federation),
        ("admin", listen.admin, metrics.route()),
    ];
    let mut listeners = Vec::new();
    for (name, address, routes) in wanted {
        if let Some(address) = address {
            let socket = bind(name, address).await?;
            listeners.push(Listener {
                name,
                socket,
                routes,
            });
        }
    }
    Ok(listeners)
}

async fn bind(name: &'static str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (listen.{name})"))?;
    let address = socket.local_addr().context("the socket has no address")?;
    tracing::info!(listener = name, %address, "listening");
    Ok(socket)
}
