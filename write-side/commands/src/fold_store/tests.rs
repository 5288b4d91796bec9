//! Client transactions in the fold store.

use facts::{Incarnation, LogId, fact::ClientTxn};
use serde::Serialize;

use super::*;

const DAY_MS: u64 = 86_400_000;

/// The shape of a checkpoint, which has no other way to be made without a log.
#[derive(Serialize)]
struct Made {
    format: u32,
    log_id: LogId,
    incarnation: Incarnation,
    position: LogPosition,
    digest: [u8; 32],
}

fn checkpoint(position: u64) -> FoldCheckpoint {
    let made = Made {
        format: 0,
        log_id: LogId([0; 16]),
        incarnation: Incarnation(1),
        position: LogPosition(position),
        digest: [0; 32],
    };
    let mut bytes = Vec::new();
    ciborium::into_writer(&made, &mut bytes).unwrap();
    FoldCheckpoint::decode(&bytes).unwrap()
}

fn key(txn_id: &str) -> TxnKey {
    let txn = ClientTxn {
        device_id: "DEVICE".to_owned(),
        endpoint: "send_message_event".to_owned(),
        txn_id: txn_id.to_owned(),
    };
    TxnKey { user: StreamId(3), scope: StreamId(4), txn }
}

/// Commits transactions that were recorded on one day, on that day.
fn record(store: &FoldStore, position: u64, txns: &[&str], day: u64) {
    let recorded_at = Timestamp(day * DAY_MS);
    let done = TxnDone { position: LogPosition(position), recorded_at };
    let rows: Vec<_> = txns.iter().map(|txn| IndexRow::Txn { key: key(txn), done }).collect();
    store.commit(&checkpoint(position), rows.iter(), Vec::new(), recorded_at).unwrap();
}

fn position_of(store: &FoldStore, txn_id: &str) -> Option<u64> {
    store.txn(&key(txn_id)).unwrap().map(|done| done.position.0)
}

#[test]
fn transactions_are_forgotten_by_the_day_and_a_later_one_of_the_same_name_stays() {
    let dir = tempfile::tempdir().unwrap();
    let store = FoldStore::open(dir.path()).unwrap();
    record(&store, 10, &["a", "b"], 100);
    record(&store, 20, &["c"], 100);
    record(&store, 30, &["d", "b"], 110);
    assert_eq!(
        ["a", "b", "c", "d"].map(|txn| position_of(&store, txn)),
        [10, 30, 20, 30].map(Some)
    );
    record(&store, 40, &[], 131);
    let found = ["a", "b", "c", "d"].map(|txn| position_of(&store, txn));
    assert_eq!(found, [None, Some(30), None, Some(30)]);
    assert_eq!(store.txn_days.iter().count(), 1, "the flush of day 110");
}

#[test]
fn everything_in_a_transaction_makes_its_key() {
    let other = |change: fn(&mut TxnKey)| {
        let mut key = key("a");
        change(&mut key);
        keys::txn(&key)
    };
    let keys = [
        other(|_| {}),
        other(|key| key.user = StreamId(5)),
        other(|key| key.scope = StreamId(5)),
        other(|key| key.txn.device_id = "D".to_owned()),
        other(|key| key.txn.endpoint = "redact_event".to_owned()),
        other(|key| key.txn.txn_id = "b".to_owned()),
        // The same bytes in a row, parted at another place.
        other(|key| (key.txn.device_id, key.txn.endpoint) = ("AB".into(), "C".into())),
        other(|key| (key.txn.device_id, key.txn.endpoint) = ("A".into(), "BC".into())),
    ];
    let distinct: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}
