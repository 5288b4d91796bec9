//! `GET /_chancery/admin/v1/cases`: the cases that wait, are in force, or ended lately.

use axum::{Json, extract::State};
use commands::governance::{governance, read_staff_record};
use facts::fact::StaffRecord;
use serde_json::{Value, json};

use super::{Answer, Officer, StaffRoutes, case_json::case_json};

/// All of them, for officers and auditors.
pub(super) async fn list_cases(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
) -> Answer {
    let ws = &routes.write_side;
    read_staff_record(ws, &actor, StaffRecord::Cases).await?;
    let now = ws.now();
    let cases: Vec<Value> = governance(ws, |fold| {
        fold.cases.iter().map(|(number, case)| case_json(number, case, now)).collect()
    })
    .await?;
    Ok(Json(json!({ "cases": cases })))
}
