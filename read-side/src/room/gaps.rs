//! Reading across gaps in a room's history.
//!
//! Owns the asking: a walk that would step over a gap has the [`Remote`](crate::Remote) port asked
//! first, at most [`GAPS_MAX`] times and [`WAIT_MAX`] a request; what came is walked again. A gap
//! that nobody fills is stepped over.

use std::{collections::HashSet, time::Duration};

use facts::fact::TimelinePlace;
use projections::Snapshot;
use tokio::time::{Instant, timeout_at};

use crate::{
    fault::ReadFault,
    ports::{Backfill, HistoryGap},
    state::ReadSide,
};

/// Gaps that are asked for in one request.
const GAPS_MAX: usize = 3;
/// One request waits this long for other servers, all gaps together.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Places of gaps that were asked for already.
pub(crate) type AskedGaps = HashSet<TimelinePlace>;

/// Answers a question about a walk. The question tells the first gap that it stepped over and
/// that is not among those asked for; it is asked anew where events came.
pub(super) async fn across_gaps<T: Send + 'static>(
    read: &ReadSide,
    question: impl Fn(&Snapshot, &AskedGaps) -> Result<(T, Option<HistoryGap>), ReadFault>
    + Clone
    + Send
    + 'static,
) -> Result<T, ReadFault> {
    let deadline = Instant::now() + WAIT_MAX;
    let mut asked = AskedGaps::new();
    loop {
        let (question, known) = (question.clone(), asked.clone());
        let (answer, gap) = read.ask(move |snapshot| question(snapshot, &known)).await?;
        let Some(gap) = gap.filter(|_| asked.len() < GAPS_MAX) else { return Ok(answer) };
        asked.insert(gap.place);
        let found = tokio::select! {
            found = timeout_at(deadline, read.remote().backfill(gap)) => found,
            () = read.stopping() => return Ok(answer),
        };
        let Ok(Backfill::Added { upto }) = found else { return Ok(answer) };
        let left = deadline.saturating_duration_since(Instant::now());
        if !read.view().wait_for(upto, left).await {
            return Ok(answer);
        }
    }
}
