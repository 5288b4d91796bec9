//! What is in force, for those who destroy.
//!
//! Owns the snapshot and its fence: an order of destruction that was decided on it carries the
//! revision of the governance stream, so that a hold, a policy or an erasure that came in between
//! makes the log refuse the order (LOG section 6). Every destroying path asks here, and decides
//! again when it is refused. Invariants: I3, I14.

use std::{convert::Infallible, sync::Arc};

use decide::{governance::GovernanceFold, policy::InForce};
use facts::{ExpectedRevision, Revision, StreamId};
use parking_lot::RwLock;

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

/// What is in force, for readers that cannot wait: what hides records from clients.
///
/// Published by every command of governance before it answers, so whoever was told of a policy
/// finds it applied.
#[derive(Default)]
pub(crate) struct InForceCell(RwLock<Published>);

#[derive(Default)]
struct Published {
    /// `None` before the first look.
    revision: Option<Revision>,
    in_force: Arc<InForce>,
}

/// The last published snapshot; nothing is in force before [`publish`] was called once.
pub fn published(ws: &WriteSide) -> Arc<InForce> {
    Arc::clone(&ws.in_force().0.read().in_force)
}

/// Publishes what is in force now. Called at start, and by every command of governance.
pub async fn publish(ws: &WriteSide) -> Result<(), CommandError<Infallible>> {
    let fenced = in_force(ws).await?;
    let mut published = ws.in_force().0.write();
    // A slower one does not take back what a faster one has published.
    if published.revision.is_none_or(|known| known < fenced.revision) {
        *published =
            Published { revision: Some(fenced.revision), in_force: Arc::new(fenced.in_force) };
    }
    Ok(())
}
