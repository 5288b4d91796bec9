//! From refusals and faults of commands to Matrix's errors.
//!
//! Owns the mapping of the outcomes that all commands share; each family of refusals has a file
//! of its own with one exhaustive match. Operators' text never gets into an answer.

mod alias;
mod password;
mod registration_token;
mod room;
mod user;

use axum::response::{IntoResponse, Response};
use commands::{CommandError, Fault, RETRY_AFTER};
use http::StatusCode;
use http_edge::MatrixError;
use ruma::api::error::ErrorCode;

/// A refusal that this edge has an answer for.
pub(crate) trait Refusal {
    /// The answer.
    fn to_matrix(&self) -> MatrixError;
}

/// The error of a handler: what `?` makes of errors of commands and of the edge.
#[derive(Debug)]
pub(crate) struct EndpointError(MatrixError);

impl EndpointError {
    #[cfg(test)]
    pub(crate) fn matrix(&self) -> &MatrixError {
        &self.0
    }
}

impl From<MatrixError> for EndpointError {
    fn from(error: MatrixError) -> Self {
        Self(error)
    }
}

impl From<Fault> for EndpointError {
    fn from(fault: Fault) -> Self {
        Self(of_fault(&fault))
    }
}

impl From<commands::FoldStoreFault> for EndpointError {
    fn from(fault: commands::FoldStoreFault) -> Self {
        Fault::from(fault).into()
    }
}

impl<R: Refusal> From<CommandError<R>> for EndpointError {
    fn from(error: CommandError<R>) -> Self {
        Self(match error {
            CommandError::Refusal(refusal) => refusal.to_matrix(),
            // The message of a gate is written for the person whom the policy stops.
            CommandError::Gate(gate) => MatrixError::forbidden(gate.message),
            // Whether it is the sender or somebody whom the event is about.
            CommandError::PersonErased(_) => {
                MatrixError::forbidden("The records of this user were erased")
            }
            CommandError::Stopped => stopped(),
            CommandError::Busy { retry_after } => MatrixError::limit_exceeded(retry_after),
            CommandError::Fault(fault) => of_fault(&fault),
        })
    }
}

/// A refusal that a handler met outside of a command.
pub(crate) fn refused(refusal: &impl Refusal) -> EndpointError {
    EndpointError(refusal.to_matrix())
}

/// The writer has stopped (I13): readers go on, and a client may try again after a restart.
fn stopped() -> MatrixError {
    MatrixError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Unknown,
        "The server takes no changes at the moment",
    )
    .with_retry_after(RETRY_AFTER)
}

fn of_fault(fault: &Fault) -> MatrixError {
    tracing::error!(error = ?fault, "a command failed");
    MatrixError::internal()
}

impl IntoResponse for EndpointError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line of a table: the refusal, status, code, and what clients read.
    pub(super) fn line(refusal: &(impl Refusal + std::fmt::Debug)) -> String {
        let error = refusal.to_matrix();
        let body = serde_json::Value::Object(error.body());
        format!("{refusal:?} -> {} {body}", error.status().as_u16())
    }

    #[derive(Debug)]
    struct Never;

    impl Refusal for Never {
        fn to_matrix(&self) -> MatrixError {
            MatrixError::bad_request("never")
        }
    }

    #[test]
    fn the_outcomes_that_all_commands_share() {
        let gate = commands::GateRefusal {
            policy: "walls",
            message: "Your department may not write there".to_owned(),
        };
        let outcomes: Vec<CommandError<Never>> = vec![
            CommandError::Refusal(Never),
            CommandError::Gate(gate),
            CommandError::PersonErased(facts::StreamId(7)),
            CommandError::Stopped,
            CommandError::busy(),
            CommandError::Fault(Fault::Unfit("secret detail".to_owned())),
        ];
        let lines: Vec<String> = outcomes
            .into_iter()
            .map(|outcome| {
                let name = format!("{outcome:?}");
                let error = EndpointError::from(outcome);
                let body = serde_json::Value::Object(error.matrix().body());
                format!("{name} -> {} {body}", error.matrix().status().as_u16())
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
