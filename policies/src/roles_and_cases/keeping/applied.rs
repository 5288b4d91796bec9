//! A document that was applied, read from the log.

use decide::governance::GovernanceRefusal;
use facts::{Fact, LogPosition, fact::PolicyApplied};

use crate::roles_and_cases::{EndpointError, StaffRoutes};

/// The fact at a position where one is known to be. Waits until it is durable, so that nobody is
/// shown a document that a crash could take back.
pub(super) async fn applied_at(
    routes: &StaffRoutes,
    position: LogPosition,
) -> Result<PolicyApplied, EndpointError> {
    routes.write_side.core().durable::<GovernanceRefusal>(position).await?;
    let record = routes.record.clone();
    let opened = tokio::task::spawn_blocking(move || record.open(position)).await;
    let entry = opened.map_err(|_| EndpointError::internal())??;
    match entry.map(|entry| entry.fact()) {
        Some(Ok(Some(Fact::PolicyApplied(applied)))) => Ok(applied),
        other => {
            tracing::error!(?other, %position, "a policy is not where it was applied");
            Err(EndpointError::internal())
        }
    }
}
