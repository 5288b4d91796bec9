//! Pages of facts of one type, for officers.
//!
//! Owns the walk and that it is an access. What of a fact is shown is each route's.

use axum::Json;
use commands::governance::{Actor, read_staff_record};
use event_log::ReadFault;
use facts::{Fact, LogPosition, Timestamp, fact::StaffRecord};
use serde_json::Value;

use crate::{
    roles_and_cases::{
        Answer, EndpointError, StaffRoutes,
        page::{PageQuery, answer},
    },
    scope_walk::{Record, Stretch, WalkBounds, plan_where},
};

/// What is shown of a fact at a position, recorded then; `None` for a fact of another type.
pub(super) type Show = fn(LogPosition, Timestamp, &Fact) -> Option<Value>;

/// A page, in order of the log, as `name`.
pub(super) async fn facts_page(
    routes: StaffRoutes,
    actor: &Actor,
    query: &PageQuery,
    (name, fact_type, show): (&str, u16, Show),
) -> Answer {
    let bounds = query.bounds()?;
    read_staff_record(&routes.write_side, actor, StaffRecord::Policies).await?;
    let from = query.from();
    let walk = move || walk(&*routes.record, from, bounds, fact_type, show);
    let walked = tokio::task::spawn_blocking(walk).await;
    let (found, stretch) = walked.map_err(|_| EndpointError::internal())??;
    Ok(Json(answer(name, found, &stretch)))
}

fn walk(
    record: &dyn Record,
    from: LogPosition,
    bounds: WalkBounds,
    fact_type: u16,
    show: Show,
) -> Result<(Vec<Value>, Stretch), ReadFault> {
    let stretch = plan_where(record, from, bounds, |header| header.fact_type == fact_type)?;
    let mut found = Vec::new();
    for position in &stretch.admitted {
        let Some(entry) = record.open(*position)? else { continue };
        if let Ok(Some(fact)) = entry.fact() {
            found.extend(show(*position, entry.header.recorded_at, &fact));
        }
    }
    Ok((found, stretch))
}
