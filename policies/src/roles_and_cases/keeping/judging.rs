//! What explaining and planning share: the rules in force, a view that has caught up, and fates as
//! JSON. Says nothing of what a record contains.

use std::time::Duration;

use commands::{RETRY_AFTER, governance};
use decide::{
    governance::GovernanceRefusal,
    policy::{Extent, Fate, Ground, InForce},
};
use facts::LogPosition;
use http_edge::MatrixError;
use projections::Snapshot;
use serde_json::{Value, json};

use crate::{
    record_description::DescribeFault,
    roles_and_cases::{EndpointError, StaffRoutes},
};

/// For the view to have what the log has.
const VIEW_WAIT_MAX: Duration = Duration::from_secs(5);

impl From<DescribeFault> for EndpointError {
    fn from(fault: DescribeFault) -> Self {
        tracing::error!(?fault, "a record could not be judged");
        Self::internal()
    }
}

/// The view with everything up to a position; 503 where it lags.
pub(super) async fn view_at(
    routes: &StaffRoutes,
    position: LogPosition,
) -> Result<Snapshot, EndpointError> {
    routes.view.wait_for(position, VIEW_WAIT_MAX).await;
    match routes.view.snapshot() {
        Ok(snapshot) if snapshot.position() >= position => Ok(snapshot),
        _ => Err(MatrixError::unavailable(RETRY_AFTER).into()),
    }
}

/// Policies, holds and erasures as they stand.
pub(super) async fn in_force(routes: &StaffRoutes) -> Result<InForce, EndpointError> {
    let fenced = governance::in_force(&routes.write_side)
        .await
        .map_err(|error| error.map_refusal(|never| -> GovernanceRefusal { match never {} }))?;
    Ok(fenced.in_force)
}

/// A fate as JSON.
pub(super) fn fate_json(fate: Fate) -> Value {
    match fate {
        Fate::Keep { until } => json!({ "fate": "keep", "until": until.map(|at| at.0) }),
        Fate::Restricted { extent, since, until } => json!({
            "fate": "restricted",
            "extent": extent_name(extent),
            "since": since.0,
            "until": until.map(|at| at.0),
        }),
        Fate::Destroy { extent, since } => {
            json!({ "fate": "destroy", "extent": extent_name(extent), "since": since.0 })
        }
    }
}

/// How much.
pub(super) fn extent_name(extent: Extent) -> &'static str {
    match extent {
        Extent::Content => "content",
        Extent::Whole => "whole",
    }
}

/// A rule that spoke, with its name and in words.
pub(super) fn ground_json(ground: Ground<'_>) -> Value {
    let (rule, name) = match ground {
        Ground::Hold { hold, .. } => ("hold", Value::from(hold.0)),
        Ground::Floor { policy, .. } => ("floor", policy.into()),
        Ground::Ceiling { policy, .. } => ("ceiling", policy.into()),
        Ground::RoomFloor { .. } => ("room_floor", Value::Null),
        Ground::RoomCeiling { .. } => ("room_ceiling", Value::Null),
        Ground::Redaction { .. } => ("redaction", Value::Null),
        Ground::Erasure { request, .. } => ("erasure", request.0.into()),
        Ground::LastReferenceGone { .. } => ("last_reference_gone", Value::Null),
        Ground::Superseded { .. } => ("superseded", Value::Null),
        Ground::Current => ("current", Value::Null),
        Ground::NoLimit => ("no_limit", Value::Null),
    };
    json!({ "rule": rule, "name": name, "text": ground.to_string() })
}
