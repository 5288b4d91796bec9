//! Why a command of governance is refused.

use super::CaseStatus;

/// Why nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GovernanceRefusal {
    /// 409: roles were set up before; officers give them now.
    #[error("roles are set up already; from now on officers give them")]
    RolesExist,
    /// 400: the first set-up names two different accounts.
    #[error("name two different accounts as the first compliance officers")]
    NotTwoOfficers,
    /// 403: whoever acts is no officer.
    #[error("only a compliance officer, legal or the data-protection officer may do this")]
    NotOfficer,
    /// 404: no such account here.
    #[error("there is no such account on this server")]
    UnknownUser,
    /// 400: an account of another server.
    #[error("only accounts of this server can hold a role")]
    NotLocal,
    /// 400: the account is deactivated.
    #[error("the account is deactivated")]
    Deactivated,
    /// 403: nobody asks for a role for himself.
    #[error("nobody asks for a role for himself or herself")]
    SelfGrant,
    /// 409: the person holds that role.
    #[error("the person holds that role already")]
    AlreadyHolds,
    /// 409: the same is asked for already.
    #[error("the same role was asked for the same person, and waits for approval")]
    AlreadyRequested,
    /// 404: no such request, or it was decided.
    #[error("there is no such request that waits")]
    UnknownRequest,
    /// 403: whoever asked does not approve.
    #[error("a second person must approve: not the one who asked")]
    ApproverAsked,
    /// 403: whom it is for does not approve.
    #[error("a second person must approve: not the one who would hold the role")]
    ApproverIsGrantee,
    /// 403: whoever asked is no officer any more.
    #[error("whoever asked is no officer any more; ask anew")]
    RequesterIsNoOfficer,
    /// 404: the person does not hold that role.
    #[error("the person does not hold that role")]
    NotHeld,
    /// 409: the person's roles are not suspended.
    #[error("the person has no suspended roles")]
    NotSuspended,
    /// 403: two officers must be left.
    #[error("fewer than two officers would be left, and nothing could be approved any more")]
    TooFewOfficers,
    /// 400: an act states its reason.
    #[error("state a reason")]
    NoReason,
    /// 400: the reason is too long.
    #[error("the reason is too long: at most 2,000 bytes")]
    ReasonTooLong,
    /// 400 `M_LIMIT_EXCEEDED`: as many as there can be.
    #[error("there are too many of these; end some first")]
    TooMany,
    /// 400: a scope names persons or rooms.
    #[error("the scope is empty: name at least one person or room")]
    EmptyScope,
    /// 400: too many persons or rooms, or one twice.
    #[error("the scope names too many persons or rooms, or one of them twice")]
    ScopeTooLarge,
    /// 400: the scope's time ends before it begins.
    #[error("the scope's time ends before it begins")]
    DatesReversed,
    /// 404: a person of the scope is not known here.
    #[error("no such person is known here: {0}")]
    UnknownScopeUser(String),
    /// 404: a room of the scope is not known here.
    #[error("no such room is known here: {0}")]
    UnknownScopeRoom(String),
    /// 400: the case ends in the past.
    #[error("the case would be over already")]
    ExpiryPassed,
    /// 400: the case lasts too long.
    #[error("a case lasts at most 366 days")]
    ExpiryTooFar,
    /// 403: whoever acts is in the scope of the case.
    #[error(
        "you are in the scope of this case: named in it, or a member of one of its rooms now or \
         in its time"
    )]
    InScope,
    /// 404: no such case.
    #[error("there is no such case")]
    UnknownCase,
    /// 409: the case does not wait for approval.
    #[error("the case does not wait for approval: it is {0}")]
    NotPending(CaseStatus),
    /// 403: the case allows nothing.
    #[error("the case is {0}, so nothing may be read in it")]
    NotInForce(CaseStatus),
    /// 403: whoever reads is not named on the case.
    #[error("only the two persons who asked for the case and approved it may read in it")]
    NotNamed,
    /// 403: seeing what the staff does takes a role.
    #[error("only officers and auditors may see this")]
    NotStaff,
}
