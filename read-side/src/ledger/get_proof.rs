//! `GET /_chancery/log/v1/proof/<position>`.

use axum::{extract::State, response::Response};
use facts::LogPosition;
use http::Uri;
use http_edge::{MatrixError, MaybeAuth, Path};

use super::{Keeping, LedgerRoutes, TEXT, check_plain, nothing_there};

/// A `tlog-proof` file for the entry at a position, up to the latest checkpoint.
pub(super) async fn get_proof(
    State(routes): State<LedgerRoutes>,
    MaybeAuth(session): MaybeAuth,
    uri: Uri,
    Path(position): Path<String>,
) -> Result<Response, MatrixError> {
    routes.admit(session.as_ref()).await?;
    check_plain(&uri)?;
    let number: u64 = position.parse().map_err(|_| nothing_there())?;
    // One way to write a number, as everywhere in these paths.
    if number.to_string() != position {
        return Err(nothing_there());
    }
    let proof = routes.ask(move |ledger| ledger.prove(LogPosition(number))).await?;
    Ok(routes.answer(proof.to_string(), TEXT, Keeping::Never))
}
