//! What the write side looks up across streams: names, event ids, client transactions.
//!
//! Owns the rule that derives such rows from an entry; live appends, catching up and rebuilding
//! use it alike (I7). Kept in memory until the checkpoint has passed them, then in the fold store.

use facts::{
    EntryHeader, Fact, LogPosition, StreamId, Timestamp,
    fact::{ClientTxn, StreamKind},
};

/// A client's transaction: one effect, however often the request is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TxnKey {
    /// The person's stream.
    pub user: StreamId,
    /// The room's stream for an endpoint under a room, else the person's: two rooms may see the
    /// same id.
    pub scope: StreamId,
    /// Device, endpoint and the client's id.
    pub txn: ClientTxn,
}

/// What became of a client's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxnDone {
    /// The entry that it made.
    pub position: LogPosition,
    /// When.
    pub recorded_at: Timestamp,
}

/// How long a client transaction is recognized, in milliseconds of recorded time.
pub const TXN_KEPT_MS: u64 = 30 * 86_400_000;

/// A row derived from an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IndexRow {
    Stream {
        stream: StreamId,
        kind: StreamKind,
        name: String,
    },
    Event {
        event_id: String,
        position: LogPosition,
    },
    Txn {
        key: TxnKey,
        done: TxnDone,
    },
    /// The latest placement of a PDU that was placed after it was stored.
    Placed {
        pdu: LogPosition,
        at: LogPosition,
    },
}

/// The rows of an entry.
pub(crate) fn rows_of(header: &EntryHeader, fact: &Fact) -> Vec<IndexRow> {
    let done = TxnDone { position: header.position, recorded_at: header.recorded_at };
    match fact {
        Fact::StreamOpened(opened) => vec![IndexRow::Stream {
            stream: header.stream,
            kind: opened.kind,
            name: opened.name.clone(),
        }],
        Fact::PduStored(pdu) => {
            let mut rows =
                vec![IndexRow::Event { event_id: pdu.event_id.clone(), position: header.position }];
            let txn = pdu.content.as_ref().and_then(|content| content.txn.clone());
            rows.extend(txn.map(|txn| IndexRow::Txn {
                key: TxnKey { user: header.actor, scope: header.stream, txn },
                done,
            }));
            rows
        }
        // Its id stays known, or it would be taken in again.
        Fact::PduStub(stub) => {
            vec![IndexRow::Event { event_id: stub.event_id.clone(), position: header.position }]
        }
        Fact::PduPlaced(placed) => {
            vec![IndexRow::Placed { pdu: placed.pdu.resolve(header.batch), at: header.position }]
        }
        Fact::ClientTxnRecorded(recorded) => vec![IndexRow::Txn {
            key: TxnKey {
                user: header.stream,
                scope: header.stream,
                txn: ClientTxn {
                    device_id: recorded.device_id.clone(),
                    endpoint: recorded.endpoint.clone(),
                    txn_id: recorded.txn_id.clone(),
                },
            },
            done,
        }],
        _ => Vec::new(),
    }
}

/// The number of a stream kind in keys of the fold store.
pub(crate) fn kind_number(kind: StreamKind) -> u8 {
    match kind {
        StreamKind::Room => 1,
        StreamKind::User => 2,
        StreamKind::DeviceInbox => 3,
        StreamKind::Alias => 4,
        StreamKind::Server => 5,
        StreamKind::Peer => 6,
        StreamKind::Governance => 7,
        StreamKind::Audit => 8,
    }
}

/// The kind behind a number in the fold store.
pub(crate) fn kind_of_number(number: u8) -> Option<StreamKind> {
    [
        StreamKind::Room,
        StreamKind::User,
        StreamKind::DeviceInbox,
        StreamKind::Alias,
        StreamKind::Server,
        StreamKind::Peer,
        StreamKind::Governance,
        StreamKind::Audit,
    ]
    .into_iter()
    .find(|kind| kind_number(*kind) == number)
}
