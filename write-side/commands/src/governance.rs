//! Commands of governance: roles, cases, and accesses in them.
//!
//! Owns the road from a wish of the staff to durable facts; the rules are `decide::governance`'s.
//! Inputs of other streams (accounts, memberships) are gathered before the lock. Invariants: I3,
//! I14 (who may do what comes from the governance fold alone), I16 (an access is durable before
//! anything is read).

mod access_content;
mod apply_policy;
mod approve_case;
mod approve_role;
mod bootstrap_roles;
mod close_case;
mod decide_with;
mod end_destruction_run;
mod exports;
mod hold_scope;
mod in_force;
mod membership;
mod open_case;
mod place_hold;
mod read_staff_record;
mod reject_case;
mod reject_role;
mod release_hold;
mod request_erasure;
mod request_role;
mod revoke_role;
mod standing;
mod suspend_roles;

use std::net::IpAddr;

use decide::governance::{GovernanceFold, GovernanceRefusal};
use facts::{
    EntryHeader, Fact, LogPosition, Routing, StreamId,
    fact::{Act, StreamKind},
};
use ruma::{OwnedUserId, UserId};

pub(crate) use self::in_force::InForceCell;
pub use self::{
    access_content::{ContentAccess, access_content, readable_case},
    apply_policy::apply_policy,
    approve_case::approve_case,
    approve_role::approve_role,
    bootstrap_roles::bootstrap_roles,
    close_case::close_case,
    end_destruction_run::{EndedErasure, end_destruction_run},
    exports::{ExportSeal, ExportWish, seal_export, start_export},
    hold_scope::HoldPartWish,
    in_force::{Fenced, in_force, publish, published},
    membership::{MEMBERSHIPS_WALKED_MAX, was_member},
    open_case::{CaseWish, open_case},
    place_hold::{place_hold, widen_hold},
    read_staff_record::read_staff_record,
    reject_case::reject_case,
    reject_role::reject_role,
    release_hold::{approve_release, notify_custodians, reject_release, request_release},
    request_erasure::{request_erasure, withdraw_erasure},
    request_role::request_role,
    revoke_role::revoke_role,
    standing::standing,
    suspend_roles::{restore_roles, suspend_roles},
};
use crate::{CommandError, Decision, FoldKindsBuilder, SmallFold, WriteSide, audit};

/// Why a command of governance was not done.
pub type GovernanceError = CommandError<GovernanceRefusal>;

/// Who acts, from where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person, by an access token of the person's own.
    pub user: OwnedUserId,
    /// Network address, where it is known.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// An act of this person.
    pub fn act(&self, reason: &str) -> Act {
        Act { user: self.user.to_string(), address: self.address_text(), reason: reason.to_owned() }
    }

    pub(crate) fn address_text(&self) -> Option<String> {
        audit::address_text(self.address)
    }
}

impl SmallFold for GovernanceFold {
    const KIND: StreamKind = StreamKind::Governance;

    fn apply(&mut self, header: &EntryHeader, fact: &Fact) {
        self.evolve(header, fact);
    }
}

/// The kind of fold that governance needs; there is one such stream.
pub(crate) fn register_kinds(kinds: FoldKindsBuilder) -> FoldKindsBuilder {
    kinds.with::<GovernanceFold>(1)
}

/// The governance stream, opened if it is missing.
pub(crate) fn governance_stream(ws: &WriteSide) -> Result<StreamId, GovernanceError> {
    let name = ws.identity().server_name.clone();
    ws.ensure_stream(StreamKind::Governance, name.as_str())
}

/// The stream of the audit trail, opened if it is missing.
pub fn audit_stream(ws: &WriteSide) -> Result<StreamId, GovernanceError> {
    audit::trail_stream(ws)
}

/// Reads something of the governance fold, which includes what is not durable yet.
pub async fn governance<T>(
    ws: &WriteSide,
    read: impl FnOnce(&GovernanceFold) -> T,
) -> Result<T, GovernanceError> {
    let name = ws.identity().server_name.clone();
    match ws.core().stream_named(StreamKind::Governance, name.as_str())? {
        Some(stream) => {
            let guard = ws.actors::<GovernanceFold>().lock(stream).await?;
            Ok(read(guard.fold()))
        }
        None => Ok(read(&GovernanceFold::default())),
    }
}

/// Decides on the governance fold and appends what a person decided; gives the position of the
/// first fact.
pub(crate) async fn decide_as(
    ws: &WriteSide,
    user: &UserId,
    decide: impl FnMut(&GovernanceFold) -> Result<Vec<Fact>, GovernanceRefusal>,
) -> Result<LogPosition, GovernanceError> {
    let actor = ws.ensure_user::<GovernanceRefusal>(user)?;
    let stream = governance_stream(ws)?;
    append(ws, stream, Routing { actor: actor.into(), ..Routing::server(stream) }, decide).await
}

/// The same for what the operator does.
pub(crate) async fn decide_as_operator(
    ws: &WriteSide,
    decide: impl FnMut(&GovernanceFold) -> Result<Vec<Fact>, GovernanceRefusal>,
) -> Result<LogPosition, GovernanceError> {
    let stream = governance_stream(ws)?;
    append(ws, stream, Routing::server(stream), decide).await
}

async fn append(
    ws: &WriteSide,
    stream: StreamId,
    routing: Routing,
    mut decide: impl FnMut(&GovernanceFold) -> Result<Vec<Fact>, GovernanceRefusal>,
) -> Result<LogPosition, GovernanceError> {
    let decide = |fold: &GovernanceFold| {
        let draft =
            |fact: Fact| fact.draft(routing).expect("a fact of governance has no personal part");
        let drafts = decide(fold)?.into_iter().map(draft).collect();
        Ok(Decision { drafts, reply: () })
    };
    let done = ws.actors::<GovernanceFold>().execute(stream, decide).await?;
    publish(ws).await.map_err(never)?;
    Ok(done.headers.first().map_or(LogPosition(stream.0), |header| header.position))
}

/// An error that is no refusal.
fn never<R>(error: CommandError<std::convert::Infallible>) -> CommandError<R> {
    error.map_refusal(|refusal| match refusal {})
}
