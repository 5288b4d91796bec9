//! `chancery serve`.

use std::{net::SocketAddr, num::NonZero, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use clap::Args;
use event_log::{Log, ScrubPace, SystemRandom};
use http_edge::dress;
use tokio::net::TcpListener;

use super::{Failure, Origin, log::unopened};
use crate::{
    admin_socket,
    clock::SystemClock,
    config::Config,
    http_server::{Listener, ServerBounds, serve},
    scrubber::Scrubber,
    shutdown::{Stopping, stopping},
    telemetry::{Metrics, report_panics, start_logs},
    wiring::{Layers, log_options},
};

#[derive(Debug, Args)]
pub(super) struct Serve {}

pub(super) fn run(_command: &Serve, origin: &Origin) -> anyhow::Result<ExitCode> {
    let config = origin.config()?;
    start_logs(&config)?;
    report_panics();
    let metrics = Metrics::install()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let log = open_log(&config)?;
    runtime.block_on(until_stopped(&config, log, metrics))?;
    Ok(ExitCode::SUCCESS)
}

/// Threads that handle requests: one core is left to those that every message passes through, the
/// log's writer and the view's follower. What waits or computes for long runs on others.
fn workers() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    cores.saturating_sub(1).max(1)
}

async fn until_stopped(config: &Config, log: Arc<Log>, metrics: Metrics) -> anyhow::Result<()> {
    let (stopper, stopping) = stopping();
    let mut layers = Layers::open(config, log).await?;
    let listeners = listeners(config, routes(&layers, config, &stopping)?, &metrics).await?;
    admin_socket::serve(&config.server.data_dir, layers.user_admin())?;
    layers.first_token(config).await?;
    let signals = tokio::spawn(stopper.stop_on_signals());
    let scrubber = Scrubber::start(Arc::clone(&layers.log), ScrubPace::default())?;
    let destruction = layers.follow_destruction(config, &stopping);
    let sweep = layers.follow_sweep(&stopping);
    let upkeep = tokio::spawn(metrics.upkeep());
    serve(listeners, ServerBounds::of(config), stopping).await;
    upkeep.abort();
    // A run stops between two orders.
    destruction.await.context("the runs of the policies broke")?;
    if let Some(sweep) = sweep {
        sweep.await.context("the sweep of media broke")?;
    }
    drop(scrubber);
    signals.await.context("the watch for signals broke")??;
    layers.close().await
}

/// The routes of the listeners that clients and servers use.
struct Routes {
    client: Router,
    federation: Router,
}

fn routes(layers: &Layers, config: &Config, stopping: &Stopping) -> anyhow::Result<Routes> {
    let edge = layers.client_edge(config);
    Ok(Routes {
        client: layers.client_routes(config, edge.clone(), stopping)?,
        federation: dress(Router::new(), edge),
    })
}

fn open_log(config: &Config) -> anyhow::Result<Arc<Log>> {
    Log::open(log_options(config), Arc::new(SystemClock), Arc::new(SystemRandom))
        .map(Arc::new)
        .map_err(|error| unopened(error, "stop the other server, or name another data directory"))
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
            listeners.push(Listener { name, socket, routes });
        }
    }
    Ok(listeners)
}

async fn bind(name: &'static str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = TcpListener::bind(address).await.map_err(|error| {
        Failure::new(
            format!("cannot listen on {address} (listen.{name}): {error}"),
            "end what listens there, or name another address, such as \
             CHANCERY_LISTEN__CLIENT=127.0.0.1:8009",
        )
    })?;
    let address = socket.local_addr().context("the socket has no address")?;
    tracing::info!(listener = name, %address, "listening");
    Ok(socket)
}
