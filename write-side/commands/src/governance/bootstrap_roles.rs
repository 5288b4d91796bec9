//! The first set-up of roles, by the operator.

use decide::governance as rules;
use facts::LogPosition;
use ruma::OwnedUserId;

use super::{GovernanceError, decide_as_operator, standing};
use crate::WriteSide;

/// Names the first compliance officers; once in the life of a log.
pub async fn bootstrap_roles(
    ws: &WriteSide,
    officers: &[OwnedUserId],
) -> Result<LogPosition, GovernanceError> {
    let mut named = Vec::with_capacity(officers.len());
    for officer in officers {
        named.push((officer.to_string(), standing(ws, officer).await?));
    }
    decide_as_operator(ws, |fold| rules::bootstrap_roles(fold, &named)).await
}
