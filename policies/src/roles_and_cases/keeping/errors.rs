//! Refusals about policies, holds and erasures, as Matrix's errors.
//!
//! Owns one exhaustive mapping for each. What a lock refuses and what is wrong with a document
//! stands in the text, for people, and in lists of its own, for programs.

use commands::CommandError;
use decide::governance::{ErasureRefusal, HoldRefusal, PolicyRefusal};
use http_edge::MatrixError;
use serde_json::{Value, json};

use crate::{
    document::Problem,
    roles_and_cases::{
        EndpointError,
        errors::{matrix_error, sentence},
    },
};

/// Lines that stand in the text of a refusal; the lists have all of them.
const LINES_IN_TEXT_MAX: usize = 20;

impl From<CommandError<PolicyRefusal>> for EndpointError {
    fn from(error: CommandError<PolicyRefusal>) -> Self {
        Self::from(refused(error, of_policy))
    }
}

impl From<CommandError<HoldRefusal>> for EndpointError {
    fn from(error: CommandError<HoldRefusal>) -> Self {
        Self::from(refused(error, of_hold))
    }
}

impl From<CommandError<ErasureRefusal>> for EndpointError {
    fn from(error: CommandError<ErasureRefusal>) -> Self {
        Self::from(refused(error, of_erasure))
    }
}

/// A document that cannot be read.
pub(super) fn unreadable(problems: &[Problem]) -> MatrixError {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let listed: Vec<Value> = problems
        .iter()
        .map(|problem| {
            json!({
                "line": problem.line,
                "column": problem.column,
                "key": problem.key,
                "message": problem.message,
            })
        })
        .collect();
    MatrixError::invalid_param(with_lines("The document is wrong", &lines)).with("problems", listed)
}

fn refused<R>(error: CommandError<R>, of: impl FnOnce(R) -> MatrixError) -> MatrixError {
    match error {
        CommandError::Refusal(refusal) => of(refusal),
        CommandError::Gate(gate) => matrix_error(CommandError::Gate(gate)),
        CommandError::PersonErased(person) => matrix_error(CommandError::PersonErased(person)),
        CommandError::Stopped => matrix_error(CommandError::Stopped),
        CommandError::Busy { retry_after } => matrix_error(CommandError::Busy { retry_after }),
        CommandError::Fault(fault) => matrix_error(CommandError::Fault(fault)),
    }
}

fn of_policy(refusal: PolicyRefusal) -> MatrixError {
    let text = sentence(&refusal.to_string());
    match refusal {
        PolicyRefusal::Governance(refusal) => matrix_error(CommandError::Refusal(refusal)),
        PolicyRefusal::NotCompliance => MatrixError::forbidden(text),
        PolicyRefusal::Outdated { in_force, .. } => {
            MatrixError::conflict(text).with("in_force", in_force)
        }
        PolicyRefusal::Unchanged => MatrixError::conflict(text),
        PolicyRefusal::TooLong => MatrixError::invalid_param(text),
        PolicyRefusal::Faulty(faults) => {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            MatrixError::invalid_param(with_lines(&text, &lines)).with("faults", lines)
        }
        PolicyRefusal::Locked(weaker) => {
            let lines: Vec<String> = weaker.iter().map(ToString::to_string).collect();
            MatrixError::conflict(with_lines(&text, &lines)).with("locked", lines)
        }
    }
}

fn of_hold(refusal: HoldRefusal) -> MatrixError {
    let text = sentence(&refusal.to_string());
    match refusal {
        HoldRefusal::Governance(refusal) => matrix_error(CommandError::Refusal(refusal)),
        HoldRefusal::NotForHolds | HoldRefusal::OwnRequest | HoldRefusal::Custodian => {
            MatrixError::forbidden(text)
        }
        HoldRefusal::UnknownHold | HoldRefusal::UnknownRequest => MatrixError::not_found(text),
        HoldRefusal::BadMatter
        | HoldRefusal::BadParts
        | HoldRefusal::UnknownPart(_)
        | HoldRefusal::AllParts
        | HoldRefusal::NotCustodian(_) => MatrixError::invalid_param(text),
        HoldRefusal::ReleaseWaits | HoldRefusal::TooMany => MatrixError::conflict(text),
    }
}

fn of_erasure(refusal: ErasureRefusal) -> MatrixError {
    let text = sentence(&refusal.to_string());
    match refusal {
        ErasureRefusal::Governance(refusal) => matrix_error(CommandError::Refusal(refusal)),
        ErasureRefusal::NotDataProtection => MatrixError::forbidden(text),
        ErasureRefusal::UnknownErasure => MatrixError::not_found(text),
        ErasureRefusal::TooMany => MatrixError::conflict(text),
    }
}

fn with_lines(text: &str, lines: &[String]) -> String {
    let shown = lines.len().min(LINES_IN_TEXT_MAX);
    let more = lines.len() - shown;
    let end = if more > 0 { format!("\nand {more} more") } else { String::new() };
    format!("{text}:\n{}{end}", lines[..shown].join("\n"))
}
