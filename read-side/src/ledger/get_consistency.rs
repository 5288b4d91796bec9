//! `GET /_chancery/log/v1/consistency?from=<size>&to=<size>`.

use axum::{
    extract::{Query, RawQuery, State, rejection::QueryRejection},
    response::Response,
};
use event_log::ledger::hash_lines;
use http_edge::{MatrixError, MaybeAuth};
use serde::Deserialize;

use super::{Keeping, LedgerRoutes, TEXT, nothing_there};

/// Two sizes of the tree.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sizes {
    from: u64,
    to: u64,
    /// Where older clients put their token.
    #[serde(default, rename = "access_token")]
    _access_token: Option<String>,
}

/// The consistency proof of RFC 6962, section 2.1.2: one hash a line in base64, as `tlog-proof`
/// and `tlog-witness` write hashes. Empty where both sizes are the same or the earlier is 0.
pub(super) async fn get_consistency(
    State(routes): State<LedgerRoutes>,
    MaybeAuth(session): MaybeAuth,
    RawQuery(query): RawQuery,
    sizes: Result<Query<Sizes>, QueryRejection>,
) -> Result<Response, MatrixError> {
    routes.admit(session.as_ref()).await?;
    let malformed = || MatrixError::invalid_param("from and to must be two sizes of the tree");
    let Query(Sizes { from, to, .. }) = sizes.map_err(|_| malformed())?;
    // One way to write a number, as in the paths.
    let query = query.unwrap_or_default();
    let plain =
        |name: &str, size: u64| query.split('&').any(|part| part == format!("{name}={size}"));
    if !plain("from", from) || !plain("to", to) {
        return Err(nothing_there());
    }
    if from > to {
        return Err(MatrixError::invalid_param("from must not be larger than to"));
    }
    let proof = routes.ask(move |ledger| ledger.consistency(from, to)).await?;
    Ok(routes.answer(hash_lines(&proof), TEXT, Keeping::Forever))
}
