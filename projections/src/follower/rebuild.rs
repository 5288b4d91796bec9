//! Rebuilding a view while the server is stopped (`chancery views rebuild`).

use std::sync::Arc;

use super::{FollowFault, Follower, OpenError, View, ViewsDir, opening};
use crate::source::EntrySource;

/// Why a rebuild failed; what was built stays and is gone on with at the next start.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The store could not be made.
    #[error("the view could not be opened")]
    Open(#[from] OpenError),
    /// An entry could not be applied.
    #[error("the view could not be built")]
    Follow(#[from] FollowFault),
}

/// Drops the view's folder and builds it up to the head of the log; returns the entries applied.
pub fn rebuild<V: View>(
    view: V,
    dir: &ViewsDir,
    source: &Arc<dyn EntrySource>,
) -> Result<u64, RebuildError> {
    opening::remove(&dir.view(view.name(), view.schema()))?;
    let mut follower = Follower::open(view, dir, source.clone())?;
    follower.catch_up(|| false)?;
    let applied = follower.progress().position().map_or(0, |at| at.0 + 1);
    follower.finish();
    Ok(applied)
}
