//! Refusals of governance, as Matrix's errors.
//!
//! Owns one exhaustive mapping. The texts of refusals are written for the staff, who read them.

use axum::response::{IntoResponse, Response};
use commands::{CommandError, RETRY_AFTER, governance::GovernanceError};
use decide::governance::GovernanceRefusal as No;
use event_log::ReadFault;
use http::StatusCode;
use http_edge::MatrixError;
use ruma::api::error::ErrorCode;

/// The error of a handler.
#[derive(Debug)]
pub(super) struct EndpointError(MatrixError);

impl From<MatrixError> for EndpointError {
    fn from(error: MatrixError) -> Self {
        Self(error)
    }
}

impl From<GovernanceError> for EndpointError {
    fn from(error: GovernanceError) -> Self {
        Self(matrix_error(error))
    }
}

impl From<ReadFault> for EndpointError {
    fn from(fault: ReadFault) -> Self {
        tracing::error!(?fault, "the log could not be read for a case");
        Self(MatrixError::internal())
    }
}

impl EndpointError {
    /// Something broke that has been logged, or a task was cancelled by a stop.
    pub(super) fn internal() -> Self {
        Self(MatrixError::internal())
    }
}

impl IntoResponse for EndpointError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// The answer to a command of governance that was not done.
pub fn matrix_error(error: GovernanceError) -> MatrixError {
    match error {
        CommandError::Refusal(refusal) => of_refusal(&refusal),
        CommandError::Gate(gate) => MatrixError::forbidden(gate.message),
        CommandError::PersonErased(_) => {
            MatrixError::forbidden("The records of this user were erased")
        }
        CommandError::Stopped => MatrixError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unknown,
            "The server takes no changes at the moment",
        )
        .with_retry_after(RETRY_AFTER),
        CommandError::Busy { retry_after } => MatrixError::limit_exceeded(retry_after),
        CommandError::Fault(fault) => {
            tracing::error!(error = ?fault, "a command of governance failed");
            MatrixError::internal()
        }
    }
}

fn of_refusal(refusal: &No) -> MatrixError {
    let text = sentence(&refusal.to_string());
    match refusal {
        No::NotOfficer
        | No::SelfGrant
        | No::ApproverAsked
        | No::ApproverIsGrantee
        | No::RequesterIsNoOfficer
        | No::TooFewOfficers
        | No::InScope
        | No::NotInForce(_)
        | No::NotNamed
        | No::NotStaff => MatrixError::forbidden(text),
        No::UnknownUser
        | No::UnknownRequest
        | No::NotHeld
        | No::UnknownScopeUser(_)
        | No::UnknownScopeRoom(_)
        | No::UnknownCase => MatrixError::not_found(text),
        No::RolesExist
        | No::AlreadyHolds
        | No::AlreadyRequested
        | No::NotSuspended
        | No::NotPending(_) => MatrixError::conflict(text),
        No::NotTwoOfficers
        | No::NotLocal
        | No::Deactivated
        | No::NoReason
        | No::ReasonTooLong
        | No::EmptyScope
        | No::ScopeTooLarge
        | No::DatesReversed
        | No::ExpiryPassed
        | No::ExpiryTooFar => MatrixError::invalid_param(text),
        No::TooMany => MatrixError::new(StatusCode::BAD_REQUEST, ErrorCode::LimitExceeded, text),
    }
}

/// A refusal in its own words, with a capital.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
