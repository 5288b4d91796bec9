//! What one client has seen of its rooms, put together from syncs.
//!
//! Owns the rule of a well-behaved client: a limited timeline has a gap, and the gap is filled by
//! walking `/messages` back from `prev_batch`. So a test can ask whether a client that only did
//! what the specification says has every event exactly once, in order.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::matrix_client::{MatrixClient, text};

/// Pages that fill one gap.
const GAP_PAGES_MAX: usize = 1_000;

/// Events by room, in the order of the client's timeline.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    rooms: BTreeMap<String, Vec<Value>>,
    known: HashSet<String>,
}

impl Timeline {
    /// Takes in one answer of `/sync` for the joined rooms. An event that comes a second time is
    /// an error: within one walk by `since` nothing may be shown twice.
    pub(crate) async fn take(&mut self, client: &MatrixClient, sync: &Value) -> Result<()> {
        let joined = sync["rooms"]["join"].as_object();
        for (room, update) in joined.into_iter().flatten() {
            let timeline = &update["timeline"];
            if timeline["limited"] == true {
                let prev = text(timeline, "prev_batch")?;
                let missing = self.gap(client, room, &prev).await?;
                self.extend(room, missing)?;
            }
            let events = timeline["events"].as_array().cloned().unwrap_or_default();
            self.extend(room, events)?;
        }
        Ok(())
    }

    /// The events before `prev_batch` that are not known yet, oldest first.
    async fn gap(&self, client: &MatrixClient, room: &str, prev_batch: &str) -> Result<Vec<Value>> {
        let mut missing = Vec::new();
        let mut from = prev_batch.to_owned();
        for _ in 0..GAP_PAGES_MAX {
            let page = client.page(room, "b", Some(&from), 50).await?;
            for event in page["chunk"].as_array().context("a page has a chunk")? {
                if self.known.contains(&text(event, "event_id")?) {
                    missing.reverse();
                    return Ok(missing);
                }
                missing.push(event.clone());
            }
            let Some(end) = page.get("end").and_then(Value::as_str) else {
                missing.reverse();
                return Ok(missing);
            };
            end.clone_into(&mut from);
        }
        bail!("the gap in {room} does not close")
    }

    fn extend(&mut self, room: &str, events: Vec<Value>) -> Result<()> {
        let timeline = self.rooms.entry(room.to_owned()).or_default();
        for event in events {
            let id = text(&event, "event_id")?;
            ensure!(self.known.insert(id), "shown twice in {room}: {event}");
            timeline.push(event);
        }
        Ok(())
    }

    /// All events of a room.
    pub(crate) fn events(&self, room: &str) -> &[Value] {
        self.rooms.get(room).map(Vec::as_slice).unwrap_or_default()
    }

    /// Bodies of the messages of a room, in order.
    pub(crate) fn bodies(&self, room: &str) -> Vec<String> {
        bodies(self.events(room))
    }

    /// Whether this event was seen.
    pub(crate) fn has(&self, event_id: &str) -> bool {
        self.known.contains(event_id)
    }
}

/// Bodies of those events that are messages, in order.
pub(crate) fn bodies(events: &[Value]) -> Vec<String> {
    let messages = events.iter().filter(|event| event["type"] == "m.room.message");
    messages.filter_map(|event| Some(event["content"]["body"].as_str()?.to_owned())).collect()
}

/// The events that the timeline of `room` has in one answer of `/sync`, under `membership`
/// (`join`, `leave`).
pub(crate) fn timeline_of<'a>(sync: &'a Value, membership: &str, room: &str) -> &'a [Value] {
    let events = sync["rooms"][membership][room]["timeline"]["events"].as_array();
    events.map(Vec::as_slice).unwrap_or_default()
}
