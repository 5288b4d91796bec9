//! `POST /rooms/{roomId}/receipt/{receiptType}/{eventId}`.

use axum::extract::State;
use commands::user::set_fully_read;
use facts::fact::{ReceiptKind, ThreadScope};
use http_edge::{Matrix, MatrixError};
use ruma::{
    api::client::receipt::create_receipt::v3::{ReceiptType, Request, Response},
    events::receipt::ReceiptThread,
};

use super::move_receipt::{move_receipt, require_member};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn create_receipt(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let (room, event_id) = (&request.room_id, &request.event_id);
    let thread = scope(&request.thread)?;
    let kind = match request.receipt_type {
        ReceiptType::Read => ReceiptKind::Read,
        ReceiptType::ReadPrivate => ReceiptKind::ReadPrivate,
        ReceiptType::FullyRead if thread != ThreadScope::Unthreaded => {
            return Err(MatrixError::invalid_param("A read marker has no thread").into());
        }
        ReceiptType::FullyRead => {
            require_member(&state, &identity, room).await?;
            set_fully_read(&state.write_side, &identity.user, room, event_id).await?;
            return answer(Response::new());
        }
        _ => return Err(MatrixError::invalid_param("Unknown type of receipt").into()),
    };
    require_member(&state, &identity, room).await?;
    move_receipt(&state, &identity, room, event_id, kind, thread).await?;
    answer(Response::new())
}

fn scope(thread: &ReceiptThread) -> Result<ThreadScope, MatrixError> {
    match thread {
        ReceiptThread::Unthreaded => Ok(ThreadScope::Unthreaded),
        ReceiptThread::Main => Ok(ThreadScope::Main),
        ReceiptThread::Thread(root) => Ok(ThreadScope::Thread(root.to_string())),
        _ => Err(MatrixError::invalid_param("The thread is no event ID")),
    }
}
