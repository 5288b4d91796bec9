//! `GET /_chancery/admin/v1/cases/{case}`.

use axum::{Json, extract::State};
use commands::{
    CommandError,
    governance::{governance, read_staff_record},
};
use facts::{LogPosition, fact::StaffRecord};
use http_edge::Path;

use super::{Answer, Officer, StaffRoutes, case_json::case_json};

/// One case, for officers and auditors.
pub(super) async fn get_case(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(case): Path<u64>,
) -> Answer {
    let (ws, case) = (&routes.write_side, LogPosition(case));
    read_staff_record(ws, &actor, StaffRecord::Case(case)).await?;
    let now = ws.now();
    let found =
        governance(ws, |fold| fold.cases.get(case).map(|found| case_json(case, found, now)));
    Ok(Json(found.await?.map_err(CommandError::Refusal)?))
}
