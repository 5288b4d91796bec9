//! `GET /_chancery/admin/v1/policies/explain?event_id=…`: what becomes of an event, and why.

use axum::{Json, extract::State};
use commands::governance::read_staff_record;
use decide::policy::{InForce, explain};
use facts::{LogPosition, Timestamp, fact::StaffRecord};
use http_edge::{MatrixError, Query};
use projections::Snapshot;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    judging::{fate_json, ground_json, in_force, view_at},
    require_staff,
};
use crate::{
    record_description::{Described, Describer},
    roles_and_cases::{Answer, EndpointError, Officer, StaffRoutes},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    event_id: String,
}

/// The fate, the rule that decides and every other that spoke; nothing of the event itself.
pub(super) async fn explain_event(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Query(which): Query<Which>,
) -> Answer {
    let ws = &routes.write_side;
    require_staff(ws, &actor).await?;
    let unknown = || MatrixError::not_found("There is no such event, or nothing is left of it");
    let found = ws.core().event_position(&which.event_id).map_err(|fault| {
        tracing::error!(?fault, "an event could not be looked up");
        EndpointError::internal()
    })?;
    let position = found.ok_or_else(unknown)?;
    read_staff_record(ws, &actor, StaffRecord::Fate(position)).await?;
    let view = view_at(&routes, position).await?;
    let (in_force, now) = (in_force(&routes).await?, ws.now());
    let explained =
        tokio::task::spawn_blocking(move || explained(&routes, &view, &in_force, position, now));
    let explained = explained.await.map_err(|_| EndpointError::internal())??;
    Ok(Json(explained.ok_or_else(unknown)?))
}

fn explained(
    routes: &StaffRoutes,
    view: &Snapshot,
    in_force: &InForce,
    position: LogPosition,
    now: Timestamp,
) -> Result<Option<Value>, EndpointError> {
    let Some(entry) = routes.record.open(position)? else { return Ok(None) };
    let mut describer = Describer::new(view, &routes.write_side);
    let Described::Record(described) = describer.describe(&entry)? else { return Ok(None) };
    let described = described.record;
    Ok(Some(described.ask(|asked| {
        let explanation = explain(asked, &in_force.rules(), now);
        let mut answer = fate_json(explanation.fate);
        answer["position"] = position.0.into();
        answer["kind"] = described.kind.name().into();
        answer["policy_version"] = in_force.version.into();
        answer["at"] = now.0.into();
        answer["decided_by"] = ground_json(explanation.decided_by);
        let grounds: Vec<Value> = explanation.grounds.iter().map(|g| ground_json(*g)).collect();
        answer["grounds"] = json!(grounds);
        answer["text"] = explanation.to_string().into();
        answer
    })))
}
