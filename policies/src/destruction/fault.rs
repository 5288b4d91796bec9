//! Why a run of the policies did not come to its end.

use commands::CommandError;
use event_log::ShredError;
use facts::LogPosition;

use crate::record_description::DescribeFault;

/// Why a run stopped. What it ordered until then is destroyed and reported order by order; the
/// next run goes over everything again.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// The clock jumped forward and no operator has confirmed it: a wrong clock would destroy what
    /// is not due.
    #[error(
        "the clock jumped forward at position {0}: nothing is destroyed before an operator has \
         confirmed the time (chancery log confirm-clock)"
    )]
    Clock(LogPosition),
    /// The client view is behind the log, and what became of records is not known.
    #[error("the client view is behind the log")]
    ViewBehind,
    /// Holds or policies moved again and again while an order was decided.
    #[error("holds, policies or erasures moved too often")]
    Moving,
    /// A record could not be judged.
    #[error("a record could not be judged")]
    Describe(#[from] DescribeFault),
    /// An order could not be given or carried out.
    #[error("an order could not be given or carried out")]
    Order(#[source] ShredError),
    /// The write side did not take a fact.
    #[error("the receipt or what leads to it was not recorded: {0}")]
    Command(String),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// A thread was lost.
    #[error("a thread of the run broke off")]
    Broken,
}

impl RunFault {
    /// A command that was not done, told for operators.
    pub(super) fn of_command<R: std::fmt::Debug>(error: &CommandError<R>) -> Self {
        Self::Command(format!("{error:?}"))
    }

    /// A fault of the write side, told for operators.
    pub(super) fn of_fault(fault: &commands::Fault) -> Self {
        Self::Command(format!("{fault:?}"))
    }
}
