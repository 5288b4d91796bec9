//! The log of this process as a source.

use event_log::{Entry, Log};
use facts::{LogId, LogPosition};
use tokio::sync::watch;

use super::{EntrySource, SourceEntry, SourceError};

/// Stored bytes that are read at once.
const RANGE_BYTES: usize = 4 * 1024 * 1024;

impl EntrySource for Log {
    fn log_id(&self) -> LogId {
        Log::log_id(self)
    }

    fn head(&self) -> LogPosition {
        Log::head(self)
    }

    fn read(&self, position: LogPosition) -> Result<Option<SourceEntry>, SourceError> {
        Log::read(self, position).map_err(|fault| failed(position, &fault))?.map(opened).transpose()
    }

    fn read_range(&self, from: LogPosition, max: usize) -> Result<Vec<SourceEntry>, SourceError> {
        Log::read_range(self, from, max, RANGE_BYTES)
            .map_err(|fault| failed(from, &fault))?
            .into_iter()
            .map(opened)
            .collect()
    }

    fn subscribe(&self) -> watch::Receiver<LogPosition> {
        Log::subscribe(self)
    }
}

fn opened(entry: Entry) -> Result<SourceEntry, SourceError> {
    let fact = entry.shared_fact().map_err(|error| failed(entry.header.position, &error))?;
    Ok(SourceEntry { header: entry.header, digest: entry.digest, fact })
}

fn failed(position: LogPosition, error: &dyn std::error::Error) -> SourceError {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        reason = format!("{reason}: {next}");
        cause = next.source();
    }
    SourceError { position, reason }
}
