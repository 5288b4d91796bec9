//! Why a placement stops.

use ruma::OwnedEventId;

use crate::resolution::ResolutionFault;

/// Why a PDU cannot be placed now. Nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceFault {
    /// The PDU is not loaded.
    #[error("event {0} was not loaded")]
    Unknown(OwnedEventId),
    /// Auth events that are not stored and placed, or were not loaded.
    #[error("{} auth events are missing", .0.len())]
    MissingAuthEvents(Vec<OwnedEventId>),
    /// Events before it whose state is not known: fetch them, or give the state before it.
    #[error("the state after {} earlier events is not known", .0.len())]
    MissingPrevEvents(Vec<OwnedEventId>),
    /// PDUs that a check or resolution reads were not loaded.
    #[error("{} events that the checks read were not loaded", .0.len())]
    MissingInputs(Vec<OwnedEventId>),
    /// There is no placed event from which the state before it could be told.
    #[error("no event is placed from which a state can be told")]
    NoBase,
    /// Resolution failed for another reason.
    #[error("the states before the event cannot be resolved: {0}")]
    Resolution(String),
    /// Redaction cannot read it.
    #[error("the event cannot be stored")]
    Unstorable,
}

impl From<ResolutionFault> for PlaceFault {
    fn from(fault: ResolutionFault) -> Self {
        match fault {
            ResolutionFault::Missing(ids) => Self::MissingInputs(ids),
            other => Self::Resolution(other.to_string()),
        }
    }
}
