//! Accesses to content in a case (I16).
//!
//! Owns the order: the rules allow it, the access is a fact, the fact is durable; only then may
//! anything be read or served. The fact is appended only while the governance stream stands where
//! it was looked at, so a case that is closed before it allows nothing. A crash after the append
//! leaves an access that served nothing, never content without its access.

use decide::governance::{Case, GovernanceFold, GovernanceRefusal, read_case};
use facts::{
    Batch, Draft, EntryRef, ExpectedRevision, Fact, LogPosition, Routing,
    fact::{AccessKind, ContentAccessed},
};

use super::{Actor, GovernanceError, audit_stream, governance, governance_stream};
use crate::{AppendError, CommandError, DECIDE_TRIES_MAX, WriteSide};

/// What is about to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentAccess {
    /// The case that allows it.
    pub case: LogPosition,
    /// How it is served.
    pub kind: AccessKind,
    /// First position.
    pub from: LogPosition,
    /// The position after the last one.
    pub until: LogPosition,
    /// Entries that may be in the scope.
    pub entries: u64,
    /// The export that it is a part of.
    pub export: Option<LogPosition>,
}

/// The case, if `actor` may read in it now. Nothing is recorded and nothing may be read yet.
pub async fn readable_case(
    ws: &WriteSide,
    actor: &Actor,
    case: LogPosition,
) -> Result<Case, GovernanceError> {
    let now = ws.now();
    governance(ws, |fold| read_case(fold, case, actor.user.as_str(), now).cloned())
        .await?
        .map_err(CommandError::Refusal)
}

/// Records an access that the rules allow; once this answers it is durable, and what it names may
/// be read and served. Gives the position of the access.
pub async fn access_content(
    ws: &WriteSide,
    actor: &Actor,
    access: ContentAccess,
) -> Result<LogPosition, GovernanceError> {
    let fact: Fact = ContentAccessed {
        case: access.case,
        kind: access.kind,
        from: access.from,
        until: access.until,
        entries: access.entries,
        user: actor.user.to_string(),
        address: actor.address_text(),
    }
    .into();
    let audit = audit_stream(ws)?;
    let person = ws.ensure_user::<GovernanceRefusal>(&actor.user)?;
    let draft = fact
        .draft(Routing {
            actor: person.into(),
            cause: access.export.map(EntryRef::At),
            ..Routing::server(audit)
        })
        .expect("a fact of the audit trail has no personal part");
    let now = ws.now();
    let allowed =
        |fold: &GovernanceFold| read_case(fold, access.case, actor.user.as_str(), now).map(|_| ());
    append_if(ws, &draft, allowed).await
}

/// Appends `draft` to the audit trail while the governance fold allows it, and waits until it is
/// durable.
pub(super) async fn append_if(
    ws: &WriteSide,
    draft: &Draft,
    allowed: impl Fn(&GovernanceFold) -> Result<(), GovernanceRefusal>,
) -> Result<LogPosition, GovernanceError> {
    let stream = governance_stream(ws)?;
    for _ in 0..DECIDE_TRIES_MAX {
        let guard = ws.actors::<GovernanceFold>().lock(stream).await?;
        allowed(guard.fold()).map_err(CommandError::Refusal)?;
        let expects = vec![(stream, ExpectedRevision::Exactly(guard.revision()))];
        match ws.core().append(Batch { drafts: vec![draft.clone()], expects }) {
            Err(AppendError::Moved) => {}
            Err(error) => return Err(error.into()),
            Ok(headers) => {
                drop(guard);
                let position =
                    headers.first().expect("a batch of one draft has one header").position;
                ws.core().durable(position).await?;
                return Ok(position);
            }
        }
    }
    Err(CommandError::busy())
}
