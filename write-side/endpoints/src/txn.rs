//! The transaction of a client's request.

use facts::fact::ClientTxn;
use http_edge::Session;
use ruma::TransactionId;

/// What identifies a request that may be sent again: device, endpoint (by ruma's name) and id.
/// Application services have no device; their requests are told apart by their user alone.
pub(crate) fn client_txn(session: &Session, endpoint: &str, txn_id: &TransactionId) -> ClientTxn {
    ClientTxn {
        device_id: session.device.as_ref().map_or_else(String::new, ToString::to_string),
        endpoint: endpoint.to_owned(),
        txn_id: txn_id.to_string(),
    }
}
