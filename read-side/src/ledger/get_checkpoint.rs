//! `GET /_chancery/log/v1/checkpoint`.

use axum::{extract::State, response::Response};
use http_edge::{MatrixError, MaybeAuth};

use super::{Keeping, LedgerRoutes, TEXT};

/// C2SP `tlog-tiles`, "Checkpoints": the latest signed checkpoint.
pub(super) async fn get_checkpoint(
    State(routes): State<LedgerRoutes>,
    MaybeAuth(session): MaybeAuth,
) -> Result<Response, MatrixError> {
    routes.admit(session.as_ref()).await?;
    let note = routes.ledger.published().note.to_string();
    Ok(routes.answer(note, TEXT, Keeping::Never))
}
