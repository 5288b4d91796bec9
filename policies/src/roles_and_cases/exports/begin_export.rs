//! `POST /_chancery/admin/v1/cases/{case}/exports`: an export begins.
//!
//! Owns the stretch of the log that it will prove. Nothing is opened yet.

use axum::{Json, extract::State};
use commands::governance::{ExportWish, readable_case, start_export};
use facts::LogPosition;
use http_edge::{JsonBody, MatrixError, Path};
use serde::Deserialize;
use serde_json::json;

use super::{StaffRoutes, terms_of};
use crate::{
    export::{Format, stretch_of},
    roles_and_cases::{Answer, EndpointError, Officer},
};

/// The terms stand in a signed note, of which nobody takes more than 512 KiB.
const TERMS_BYTES_MAX: usize = 400 * 1024;

/// What is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::roles_and_cases) struct Wish {
    format: String,
    /// Where the stretch ends, for making an earlier export again; absent for the log's end.
    end: Option<u64>,
}

/// Begins an export; answers its number, its terms and the checkpoint of its end.
pub(in crate::roles_and_cases) async fn begin_export(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(case): Path<u64>,
    JsonBody(wish): JsonBody<Wish>,
) -> Answer {
    let case = LogPosition(case);
    if wish.end == Some(0) {
        return Err(MatrixError::invalid_param("`end` must be at least 1").into());
    }
    let format = Format::named(&wish.format).ok_or_else(|| {
        let names = Format::ALL.map(Format::name).join(", ");
        MatrixError::invalid_param(format!("There is no such format; formats are {names}"))
    })?;
    let scope = readable_case(&routes.write_side, &actor, case).await?.scope;
    let (record, ledger, of) = (routes.record.clone(), routes.ledger.clone(), scope.clone());
    let planned = tokio::task::spawn_blocking(move || {
        if let Err(error) = ledger.step() {
            // The export then ends at the last checkpoint that could be signed.
            tracing::warn!(?error, "an export begins behind the log's end");
        }
        let size = ledger.published().checkpoint.size;
        let end = wish.end.unwrap_or(size);
        if end > size {
            return Ok(None);
        }
        stretch_of(&*record, &of, end).map(Some)
    });
    let stretch = planned.await.map_err(|_| EndpointError::internal())??;
    let Some((first, end)) = stretch else {
        return Err(MatrixError::invalid_param("`end` is beyond the last checkpoint").into());
    };
    let (terms, checkpoint) = terms_of(&routes, case, scope, (first, end)).await?;
    if serde_json::to_string(&terms).map_or(true, |text| text.len() > TERMS_BYTES_MAX) {
        let text = "The case names too much for one manifest; open cases with fewer names";
        return Err(MatrixError::invalid_param(text).into());
    }
    let wish = ExportWish { case, format: format.name().to_owned(), first, end };
    let export = start_export(&routes.write_side, &actor, wish).await?;
    let checkpoint = checkpoint.to_string();
    Ok(Json(json!({ "export": export.0, "terms": terms, "checkpoint": checkpoint })))
}
