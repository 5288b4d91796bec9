//! A run of the policies some time from now, on what a server left when it stopped.

use std::{sync::Arc, time::SystemTime};

use anyhow::{Context, Result};
use commands::{ServerIdentity, WriteSide, WriteSideParts, media::BlobStore};
use event_log::{Clock, Log, LogOptions, SystemRandom};
use facts::Timestamp;
use policies::destruction::{Destroyer, RunDone, logged};
use projections::ClientView;

use crate::harness::server::Server;

/// Opens the log of a server that is down.
pub(crate) fn open_log(server: &Server, clock: Arc<dyn Clock>) -> Result<Log> {
    let options = LogOptions::new(server.data_dir(), "localhost");
    Ok(Log::open(options, clock, Arc::new(SystemRandom))?)
}

/// Runs once, as it will be in so many milliseconds.
pub(crate) async fn run_later(server: &Server, later_ms: u64) -> Result<RunDone> {
    let data_dir = server.data_dir();
    let clock = move || Timestamp(now().0 + later_ms);
    let log = Arc::new(open_log(server, Arc::new(clock))?);
    let source = Arc::clone(&log) as _;
    let (view, follower) = ClientView::start(source, &data_dir, "localhost")?;
    let name = ruma::server_name!("localhost").to_owned();
    // Nothing is signed in a run.
    let identity =
        ServerIdentity::from_seed(name, "a_1".to_owned(), &[7; 32]).context("a key of 32 bytes")?;
    let write_side = WriteSide::open(WriteSideParts::new(
        Arc::clone(&log) as _,
        data_dir.join("folds"),
        Arc::new(identity),
        Arc::new(clock),
        Arc::new(SystemRandom),
    ))
    .await?;
    let destroyer = Destroyer {
        write_side: write_side.clone(),
        record: Arc::clone(&log) as _,
        keys: Arc::clone(&log) as _,
        view,
        blobs: Arc::new(BlobStore::open(data_dir.join("media")).await?),
        keyring_backup_ms: 0,
        offsite: None,
        before: logged(),
    };
    let done = destroyer.run(None, &|| false).await?;
    drop(destroyer);
    write_side.close().await?;
    log.close();
    drop(follower);
    Ok(done)
}

/// The clock on the wall.
#[expect(clippy::disallowed_methods, reason = "the log under test goes on in real time")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or_default())
}
