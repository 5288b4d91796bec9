//! Keys and small values of the fold store.
//!
//! Owns their bytes: integers big-endian, so that keys sort by number. A fold's rows are
//! `stream ‖ 0` (progress) and `stream ‖ 1 ‖ row key`.

use facts::{LogPosition, Revision, StreamId, Timestamp, fact::StreamKind};
use sha2::{Digest as _, Sha256};

use super::{Applied, FoldStoreFault};
use crate::index::{TxnDone, TxnKey, kind_number};

const APPLIED: u8 = 0;
const ROW: u8 = 1;

pub(super) fn name(kind: StreamKind, name: &str) -> Vec<u8> {
    stream_value(kind, name)
}

pub(super) fn stream_value(kind: StreamKind, name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + name.len());
    key.push(kind_number(kind));
    key.extend_from_slice(name.as_bytes());
    key
}

pub(super) fn u64_of(value: &[u8]) -> Result<u64, FoldStoreFault> {
    value.try_into().map(u64::from_be_bytes).map_err(|_| FoldStoreFault::Damaged("number"))
}

fn two_u64(value: &[u8]) -> Result<(u64, u64), FoldStoreFault> {
    let (first, second) = value.split_at_checked(8).ok_or(FoldStoreFault::Damaged("pair"))?;
    Ok((u64_of(first)?, u64_of(second)?))
}

fn two_u64_value(first: u64, second: u64) -> Vec<u8> {
    [first.to_be_bytes(), second.to_be_bytes()].concat()
}

/// Bytes of the key of a client's transaction.
pub(super) const TXN_BYTES: usize = 16;

/// The first half of SHA-256 over user and scope, then device and endpoint with their lengths,
/// then the client's id. Short, because every message has one. Whoever finds two ids with the same
/// key has only their own messages mixed up: the user is in it.
pub(super) fn txn(key: &TxnKey) -> [u8; TXN_BYTES] {
    let mut hash = Sha256::new();
    hash.update(key.user.0.to_be_bytes());
    hash.update(key.scope.0.to_be_bytes());
    for part in [&key.txn.device_id, &key.txn.endpoint] {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        hash.update(length.to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.update(key.txn.txn_id.as_bytes());
    let digest = hash.finalize();
    std::array::from_fn(|i| digest[i])
}

/// The transactions of one day that one flush stored: their keys, one after the other.
pub(super) fn txn_day(day: u32, upto: LogPosition) -> Vec<u8> {
    let mut key = day.to_be_bytes().to_vec();
    key.extend_from_slice(&upto.0.to_be_bytes());
    key
}

pub(super) fn txn_done_value(done: TxnDone) -> Vec<u8> {
    two_u64_value(done.position.0, done.recorded_at.0)
}

pub(super) fn txn_done(value: &[u8]) -> Result<TxnDone, FoldStoreFault> {
    let (position, recorded_at) = two_u64(value)?;
    Ok(TxnDone { position: LogPosition(position), recorded_at: Timestamp(recorded_at) })
}

pub(super) fn fold_applied(stream: StreamId) -> Vec<u8> {
    let mut key = stream.0.to_be_bytes().to_vec();
    key.push(APPLIED);
    key
}

pub(super) fn fold(stream: StreamId, row: &[u8]) -> Vec<u8> {
    let mut key = stream.0.to_be_bytes().to_vec();
    key.push(ROW);
    key.extend_from_slice(row);
    key
}

/// The fold's own key of a row; `None` for the row that holds its progress.
pub(super) fn fold_row(key: &[u8]) -> Result<Option<&[u8]>, FoldStoreFault> {
    match key.get(8..) {
        Some([APPLIED]) => Ok(None),
        Some([ROW, row @ ..]) => Ok(Some(row)),
        _ => Err(FoldStoreFault::Damaged("key of a fold")),
    }
}

pub(super) fn applied_value(applied: Applied) -> Vec<u8> {
    two_u64_value(applied.position.0, applied.revision.0)
}

pub(super) fn applied(value: &[u8]) -> Result<Applied, FoldStoreFault> {
    let (position, revision) = two_u64(value)?;
    Ok(Applied { position: LogPosition(position), revision: Revision(revision) })
}
