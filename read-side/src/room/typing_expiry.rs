//! Ending typing notices in time.
//!
//! Owns the one task that looks each second while anybody types. A stop of the server loses
//! nothing: typing starts empty.

use std::time::Duration;

use facts::StreamId;
use projections::query::Membership;

use crate::{fault::ReadFault, state::ReadSide};

/// How late a notice may end.
const TICK: Duration = Duration::from_secs(1);
/// Members of a room that are woken.
const MEMBERS_MAX: usize = 100_000;

/// Sees to it that notices end.
pub(super) fn end_later(read: &ReadSide) {
    if read.sweeping().begin() {
        let read = read.clone();
        tokio::spawn(async move { sweep(&read).await });
    }
}

async fn sweep(read: &ReadSide) {
    loop {
        tokio::time::sleep(TICK).await;
        let expired = read.typing().expire(read.now());
        if !expired.is_empty()
            && let Err(fault) = wake_members(read, expired).await
        {
            // Their next sync tells it anyway.
            tracing::warn!(?fault, "nobody was woken for the end of typing");
        }
        if read.typing().is_quiet() {
            read.sweeping().end();
            // Somebody may have begun to type just before this sweeper said that it stops.
            if read.typing().is_quiet() || !read.sweeping().begin() {
                return;
            }
        }
    }
}

/// Wakes the members of rooms whose typists changed.
pub(super) async fn wake_members(read: &ReadSide, rooms: Vec<StreamId>) -> Result<(), ReadFault> {
    let members = read
        .ask(move |snapshot| {
            let mut users = Vec::new();
            for room in rooms {
                let joined = snapshot.members(room, Membership::Join, MEMBERS_MAX)?;
                users.extend(joined.into_iter().map(|member| member.user));
            }
            Ok(users)
        })
        .await?;
    read.view().wakeups().wake(members);
    Ok(())
}
