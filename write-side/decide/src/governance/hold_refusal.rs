//! Why nothing is changed about a hold.

use super::GovernanceRefusal;

/// A typed refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefusal {
    /// What every act of governance can be refused for: no reason, a wrong scope, an unknown case.
    #[error(transparent)]
    Governance(#[from] GovernanceRefusal),
    /// 403: it takes a compliance officer or legal.
    #[error("only compliance officers and legal may do this")]
    NotForHolds,
    /// 404: no such hold is in force.
    #[error("there is no such hold in force")]
    UnknownHold,
    /// 404: no such release waits.
    #[error("there is no such release to decide on; it may have run out")]
    UnknownRequest,
    /// 400: the matter has no name, or too long a one.
    #[error("name the matter in at most 200 bytes")]
    BadMatter,
    /// 400: a hold without a part, or with too many.
    #[error("a hold has 1 to 100 parts")]
    BadParts,
    /// 400: a part that is not in force.
    #[error("part {0} is not in force")]
    UnknownPart(u32),
    /// 400: every part is named.
    #[error("these are all parts in force: ask for the release of the whole hold")]
    AllParts,
    /// 409: a release waits already.
    #[error("a release of this hold waits already; decide on it first")]
    ReleaseWaits,
    /// 403: whoever asked cannot agree.
    #[error("you asked for this release; another person has to agree")]
    OwnRequest,
    /// 403: whoever acts is a custodian of the hold.
    #[error("this hold names you; others have to decide on its release")]
    Custodian,
    /// 400: somebody is no custodian.
    #[error("{0} is no custodian of this hold")]
    NotCustodian(String),
    /// 409: there are as many as there can be.
    #[error("there are too many holds, or they name too many persons and rooms")]
    TooMany,
}
