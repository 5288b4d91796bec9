//! Names and recording of the log's metrics.
//!
//! Owns the names. Durations are measured with the injected clock, so their resolution is a
//! millisecond (I9).

/// Milliseconds from taking a write's batches to their durability.
pub const WRITE_DURATION: &str = "chancery_log_write_duration_ms";
/// Entries in a write.
pub const WRITE_ENTRIES: &str = "chancery_log_write_entries";
/// Bytes of a write.
pub const WRITE_BYTES: &str = "chancery_log_write_bytes";
/// Batches refused because the queue was full.
pub const PUSH_BACKS: &str = "chancery_log_push_backs_total";
/// 1 once the writer has stopped.
pub const WRITER_STOPPED: &str = "chancery_log_writer_stopped";
/// The durable head.
pub const HEAD: &str = "chancery_log_head";
/// Entries under the last signed checkpoint.
pub const LEDGER_SIZE: &str = "chancery_ledger_size";
/// Steps of the ledger that failed and were tried again.
pub const LEDGER_FAILURES: &str = "chancery_ledger_failures_total";

#[expect(
    clippy::cast_precision_loss,
    reason = "metrics are floating point; counts this large never occur"
)]
pub(crate) fn written(entries: usize, bytes: usize, milliseconds: u64, head: u64) {
    metrics::histogram!(WRITE_ENTRIES).record(entries as f64);
    metrics::histogram!(WRITE_BYTES).record(bytes as f64);
    metrics::histogram!(WRITE_DURATION).record(milliseconds as f64);
    metrics::gauge!(HEAD).set(head as f64);
}

pub(crate) fn pushed_back() {
    metrics::counter!(PUSH_BACKS).increment(1);
}

pub(crate) fn writer_stopped() {
    metrics::gauge!(WRITER_STOPPED).set(1.0);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "metrics are floating point; counts this large never occur"
)]
pub(crate) fn ledger_signed(size: u64) {
    metrics::gauge!(LEDGER_SIZE).set(size as f64);
}

pub(crate) fn ledger_failed() {
    metrics::counter!(LEDGER_FAILURES).increment(1);
}
