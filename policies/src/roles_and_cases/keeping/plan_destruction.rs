//! `GET /_chancery/admin/v1/policies/plan`: what would be destroyed or restricted now.
//!
//! Owns the dry run: a walk over the log in pages, which goes on from any position. It asks the
//! same function about the same descriptions as a run that executes, and does nothing.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use commands::governance::read_staff_record;
use decide::policy::{Extent, InForce, explain};
use facts::{
    LogPosition, Timestamp,
    fact::{RecordKind, StaffRecord},
};
use http_edge::Query;
use projections::Snapshot;
use serde_json::{Value, json};

use super::judging::{extent_name, fate_json, in_force, view_at};
use crate::{
    destruction::judging::{Judged, judge},
    record_description::{Described, DescribedRecord, Describer, may_be_record},
    roles_and_cases::{
        Answer, EndpointError, Officer, StaffRoutes,
        page::{PageQuery, answer},
    },
    scope_walk::{WalkBounds, plan_where},
};

/// A page of the plan.
pub(super) async fn plan_destruction(
    State(routes): State<StaffRoutes>,
    Officer(actor): Officer,
    Query(query): Query<PageQuery>,
) -> Answer {
    let (ws, mut bounds, from) = (&routes.write_side, query.bounds()?, query.from());
    // What is looked at ends before this look is recorded.
    let head = routes.record.head();
    bounds.last = Some(bounds.last.map_or(head, |last| last.min(head)));
    read_staff_record(ws, &actor, StaffRecord::Plan(from)).await?;
    let view = view_at(&routes, head).await?;
    let (in_force, now) = (in_force(&routes).await?, ws.now());
    let planned = tokio::task::spawn_blocking(move || {
        let walk = Walk { routes: &routes, view: &view, in_force: &in_force, now };
        walk.page(from, bounds)
    });
    Ok(Json(planned.await.map_err(|_| EndpointError::internal())??))
}

struct Walk<'a> {
    routes: &'a StaffRoutes,
    view: &'a Snapshot,
    in_force: &'a InForce,
    now: Timestamp,
}

/// Room, kind, fate and extent.
type Group = (Option<String>, RecordKind, &'static str, Extent);

#[derive(Default)]
struct Found {
    records: Vec<Value>,
    groups: BTreeMap<Group, u64>,
    kept: u64,
    unjudged: BTreeMap<&'static str, u64>,
}

impl Walk<'_> {
    fn page(&self, from: LogPosition, bounds: WalkBounds) -> Result<Value, EndpointError> {
        let stretch = plan_where(&*self.routes.record, from, bounds, may_be_record)?;
        let mut describer = Describer::new(self.view, &self.routes.write_side);
        let mut found = Found::default();
        for position in &stretch.admitted {
            let Some(entry) = self.routes.record.open(*position)? else { continue };
            match describer.describe(&entry)? {
                Described::Record(record) => self.judge(&record, &mut found),
                Described::Unjudged(kind) => *found.unjudged.entry(kind.name()).or_default() += 1,
                Described::NoRecord => {}
            }
        }
        let mut page = answer("records", found.records, &stretch);
        page["counts"] = found.groups.into_iter().map(group_json).collect();
        page["kept"] = found.kept.into();
        page["unjudged"] = json!(found.unjudged);
        page["policy_version"] = self.in_force.version.into();
        page["at"] = self.now.0.into();
        Ok(page)
    }

    fn judge(&self, described: &DescribedRecord, found: &mut Found) {
        let (name, extent) = match judge(described, self.in_force, self.now) {
            Judged::Kept => {
                found.kept += 1;
                return;
            }
            Judged::Restricted(extent) => ("restricted", extent),
            Judged::Destroy(destroy) => ("destroy", destroy.extent),
        };
        let (record, rules) = (&described.record, self.in_force.rules());
        let mut item = record.ask(|asked| {
            let explanation = explain(asked, &rules, self.now);
            let mut item = fate_json(explanation.fate);
            item["decided_by"] = explanation.decided_by.to_string().into();
            item
        });
        item["position"] = described.position.0.into();
        item["room_id"] = json!(record.room);
        item["kind"] = record.kind.name().into();
        found.records.push(item);
        let group = (record.room.clone(), record.kind, name, extent);
        *found.groups.entry(group).or_default() += 1;
    }
}

fn group_json(((room, kind, fate, extent), records): (Group, u64)) -> Value {
    json!({
        "room_id": room,
        "kind": kind.name(),
        "fate": fate,
        "extent": extent_name(extent),
        "records": records,
    })
}
