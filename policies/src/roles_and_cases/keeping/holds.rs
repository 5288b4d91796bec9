//! `GET /_chancery/admin/v1/holds` and `GET …/holds/{hold}`.

use axum::{Json, extract::State};
use commands::{
    CommandError,
    governance::{governance, read_staff_record},
};
use facts::{LogPosition, fact::StaffRecord};
use http_edge::Path;
use serde_json::{Value, json};

use super::hold_json::{custodians_json, hold_json};
use crate::roles_and_cases::{Answer, Officer, StaffRoutes};

/// The holds in force, for officers and auditors.
pub(super) async fn list_holds(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
) -> Answer {
    let ws = &routes.write_side;
    read_staff_record(ws, &actor, StaffRecord::Holds).await?;
    let now = ws.now();
    let holds: Vec<Value> = governance(ws, |fold| {
        fold.holds.iter().map(|(number, hold)| hold_json(number, hold, now)).collect()
    })
    .await?;
    Ok(Json(json!({ "holds": holds })))
}

/// One hold with its custodians.
pub(super) async fn get_hold(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Path(hold): Path<u64>,
) -> Answer {
    let (ws, number) = (&routes.write_side, LogPosition(hold));
    read_staff_record(ws, &actor, StaffRecord::Hold(number)).await?;
    let now = ws.now();
    let found = governance(ws, |fold| {
        fold.holds.get(number).map(|hold| {
            let mut shown = hold_json(number, hold, now);
            shown["custodians"] = custodians_json(hold).into();
            shown
        })
    });
    Ok(Json(found.await?.map_err(CommandError::Refusal)?))
}
