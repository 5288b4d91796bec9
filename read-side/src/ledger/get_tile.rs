//! `GET /_chancery/log/v1/tile/<L>/<N>[.p/<W>]` and `…/tile/entries/<N>[.p/<W>]`.

use axum::{extract::State, response::Response};
use event_log::ledger::{Bundle, Tile};
use http::Uri;
use http_edge::{MatrixError, MaybeAuth, Path};

use super::{BYTES, Keeping, LedgerRoutes, check_plain, nothing_there};

/// C2SP `tlog-tiles`, "Merkle Tree" and "Log entries". An entry is the 32 bytes of its digest.
pub(super) async fn get_tile(
    State(routes): State<LedgerRoutes>,
    MaybeAuth(session): MaybeAuth,
    uri: Uri,
    Path(path): Path<String>,
) -> Result<Response, MatrixError> {
    routes.admit(session.as_ref()).await?;
    check_plain(&uri)?;
    let bytes = if let Some(path) = path.strip_prefix("entries/") {
        let bundle = Bundle::from_path(path).ok_or_else(nothing_there)?;
        routes.ask(move |ledger| ledger.bundle(bundle)).await?
    } else {
        let tile = Tile::from_path(&path).ok_or_else(nothing_there)?;
        routes.ask(move |ledger| ledger.tile(tile)).await?
    };
    Ok(routes.answer(bytes, BYTES, Keeping::Forever))
}
