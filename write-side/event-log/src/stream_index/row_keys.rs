//! The keys of the index's rows.

use facts::{LogPosition, StreamId, TreeId};

pub(super) const CHECKPOINT_KEY: &[u8] = b"c";
pub(super) const UNDONE_KEY: &[u8] = b"u";
pub(super) const JUMP_KEY: &[u8] = b"j";

pub(super) fn stream_key(stream: StreamId) -> Vec<u8> {
    let mut key = vec![b's'];
    key.extend_from_slice(&stream.0.to_be_bytes());
    key
}

pub(super) fn order_key(order: LogPosition) -> Vec<u8> {
    let mut key = vec![b'o'];
    key.extend_from_slice(&order.0.to_be_bytes());
    key
}

pub(super) fn stub_key(pdu: LogPosition) -> Vec<u8> {
    let mut key = vec![b'd'];
    key.extend_from_slice(&pdu.0.to_be_bytes());
    key
}

pub(super) fn ended_key(tree: TreeId) -> Vec<u8> {
    let mut key = vec![b't'];
    key.extend_from_slice(&tree.0.to_be_bytes());
    key
}
