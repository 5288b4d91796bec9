//! What is in force, for those who destroy.
//!
//! Owns the snapshot and its fence: an order of destruction that was decided on it carries the
//! revision of the governance stream, so that a hold, a policy or an erasure that came in between
//! makes the log refuse the order (LOG section 6). Every destroying path asks here, and decides
//! again when it is refused. Invariants: I3, I14.

use std::convert::Infallible;

use decide::{governance::GovernanceFold, policy::InForce};
use facts::{ExpectedRevision, Revision, StreamId};

use super::decide_with::stream;
use crate::{CommandError, WriteSide};

/// A snapshot that may be destroyed by, as long as nothing moves.
#[derive(Clone, Debug)]
pub struct Fenced {
    /// Policies, holds, erasures.
    pub in_force: InForce,
    /// The governance stream.
    pub stream: StreamId,
    /// Its revision.
    pub revision: Revision,
}

impl Fenced {
    /// The condition of every order that was decided on this snapshot; goes into
    /// `event_log::ShredRequest::expects`.
    pub fn expects(&self) -> (StreamId, ExpectedRevision) {
        (self.stream, ExpectedRevision::Exactly(self.revision))
    }
}

/// What is in force now, what is not durable yet included: an order that rests on it is durable
/// only after it. Costs as much as there are holds; a run asks once a batch.
pub async fn in_force(ws: &WriteSide) -> Result<Fenced, CommandError<Infallible>> {
    let stream = stream::<Infallible>(ws)?;
    let guard = ws.actors::<GovernanceFold>().lock::<Infallible>(stream).await?;
    Ok(Fenced { in_force: guard.fold().in_force(), stream, revision: guard.revision() })
}
