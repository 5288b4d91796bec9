//! `GET /_matrix/client/v3/sync`.
//!
//! Owns the long-poll around an answer: subscribe, look, wait, look again. Each answer is computed
//! from one snapshot; `next_batch` is that snapshot's checkpoint, never the log's head.
//! Invariants: I15. The files in `sync/` hold one section of the answer each.

mod account_data;
mod answer;
mod device_lists;
mod ephemeral;
mod event_fields;
pub(crate) mod filter;
mod invited;
mod left;
mod query;
mod room;
mod room_state;
mod timeline;
mod to_device;
mod token;

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use http_edge::{Auth, MatrixError};
use projections::Snapshot;
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

pub use self::token::{SyncToken, SyncTokenError};
use self::{
    answer::{Answer, Asker, answer},
    filter::load_filter,
    query::SyncQuery,
};
use crate::{fault::ReadFault, ports::Wish, state::ReadSide};

/// An answer waits at most this long for what its token acknowledges.
const ACKNOWLEDGE_WAIT: Duration = Duration::from_secs(1);

/// Client-server API, "Syncing".
pub(crate) async fn sync_events(
    State(read): State<ReadSide>,
    Auth(session): Auth,
    query: SyncQuery,
) -> Result<Json<Value>, MatrixError> {
    let since = query.since(&read)?;
    let filter = load_filter(&read, session.user_stream, query.filter.as_deref(), since).await?;
    let asker = Arc::new(Asker {
        user: session.user_stream,
        user_id: session.user.to_string(),
        device_id: session.device.as_ref().map(ToString::to_string),
        use_state_after: query.use_state_after(),
        full_state: query.full_state,
        filter,
    });
    if let Some(since) = since {
        acknowledge(&read, &asker, since).await?;
    }
    let wait = query.timeout.min(read.settings().sync_wait_max);
    respond(&read, asker, since, wait).await.map(Json)
}

/// What a token acknowledges: the device has the messages up to it. Only where the view still
/// holds such messages is there anything to do; then the answer waits for it, boundedly, so that
/// an older token does not bring them back.
async fn acknowledge(
    read: &ReadSide,
    asker: &Arc<Asker>,
    since: SyncToken,
) -> Result<(), ReadFault> {
    let Some(device_id) = asker.device_id.clone() else { return Ok(()) };
    let who = Arc::clone(asker);
    let holds =
        move |snapshot: &Snapshot| to_device::holds_through(snapshot, &who, since.to_device);
    let waiting = read.ask_since(Some(since.position), holds).await?;
    if waiting {
        let wish = read.wishes().wish(Wish::AcknowledgeToDevice {
            user: asker.user,
            user_id: asker.user_id.clone(),
            device_id,
            through: since.to_device,
        });
        // Late is as good as never: the next request wishes it again.
        let _ = timeout(ACKNOWLEDGE_WAIT, wish).await;
    }
    Ok(())
}

async fn respond(
    read: &ReadSide,
    asker: Arc<Asker>,
    since: Option<SyncToken>,
    wait: Duration,
) -> Result<Value, MatrixError> {
    let deadline = Instant::now() + wait;
    let mut wakeups = read
        .view()
        .wakeups()
        .subscribe(asker.user)
        .map_err(|_| MatrixError::unavailable(Duration::from_secs(5)))?;
    let mut first_keys = None;
    loop {
        wakeups.mark_unchanged();
        let found = look(read, &asker, since).await?;
        let keys = first_keys.get_or_insert_with(|| found.keys.clone());
        let news = found.has_news || since.is_none() || asker.full_state || *keys != found.keys;
        if news || wait.is_zero() {
            return Ok(found.json);
        }
        // The sender lives as long as the view; a closed channel means that the server stops.
        let woken = tokio::select! {
            woken = timeout_at(deadline, wakeups.changed()) => matches!(woken, Ok(Ok(()))),
            () = read.stopping() => false,
        };
        if !woken {
            return Ok(found.json);
        }
    }
}

async fn look(
    read: &ReadSide,
    asker: &Arc<Asker>,
    since: Option<SyncToken>,
) -> Result<Answer, ReadFault> {
    let asker = Arc::clone(asker);
    let typing = Arc::clone(read.typing());
    let now = read.now();
    let boot = read.settings().boot_id;
    let from = since.filter(|_| !asker.full_state).map(|since| since.position);
    read.ask_since(from, move |snapshot| answer(snapshot, &typing, &asker, since, boot, now)).await
}
