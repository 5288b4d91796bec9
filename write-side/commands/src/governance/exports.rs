//! Exports of a case: their beginning and their seal.
//!
//! Owns the two facts, appended to the audit trail as accesses are: only while the case allows it,
//! and durable when a command answers. A crash after the first leaves an export that nobody went
//! on with; one after the second a manifest that was not handed out, which may be sealed again.
//! What is read in between is recorded by `access_content`. Invariants: I3, I16.

use decide::governance::{GovernanceFold, GovernanceRefusal, read_case};
use facts::{
    EntryRef, Fact, LogPosition, Routing,
    fact::{ExportSealed, ExportStarted},
};

use super::{Actor, GovernanceError, access_content::append_if, audit_stream};
use crate::WriteSide;

/// An export to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportWish {
    /// The case.
    pub case: LogPosition,
    /// In which form it will be written.
    pub format: String,
    /// First position of its stretch.
    pub first: LogPosition,
    /// The position after the last one.
    pub end: LogPosition,
}

/// An export whose manifest is to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportSeal {
    /// The case.
    pub case: LogPosition,
    /// The export.
    pub export: LogPosition,
    /// SHA-256 of the manifest's text.
    pub manifest_sha256: [u8; 32],
    /// Files that the manifest covers.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Records that an export begins; its position is the export's number.
pub async fn start_export(
    ws: &WriteSide,
    actor: &Actor,
    wish: ExportWish,
) -> Result<LogPosition, GovernanceError> {
    let case = wish.case;
    let fact = ExportStarted {
        case,
        format: wish.format,
        first: wish.first,
        end: wish.end,
        user: actor.user.to_string(),
        address: actor.address_text(),
    };
    record(ws, actor, case, None, &fact.into()).await
}

/// Records that a manifest is about to be signed; it may leave once this answers.
pub async fn seal_export(
    ws: &WriteSide,
    actor: &Actor,
    seal: ExportSeal,
) -> Result<LogPosition, GovernanceError> {
    let (case, export) = (seal.case, seal.export);
    let fact = ExportSealed {
        case,
        export,
        manifest_sha256: seal.manifest_sha256,
        files: seal.files,
        bytes: seal.bytes,
        user: actor.user.to_string(),
        address: actor.address_text(),
    };
    record(ws, actor, case, Some(export), &fact.into()).await
}

async fn record(
    ws: &WriteSide,
    actor: &Actor,
    case: LogPosition,
    export: Option<LogPosition>,
    fact: &Fact,
) -> Result<LogPosition, GovernanceError> {
    let audit = audit_stream(ws)?;
    let person = ws.ensure_user::<GovernanceRefusal>(&actor.user)?;
    let draft = fact
        .draft(Routing {
            actor: person.into(),
            cause: export.map(EntryRef::At),
            ..Routing::server(audit)
        })
        .expect("a fact of the audit trail has no personal part");
    let now = ws.now();
    let allowed =
        |fold: &GovernanceFold| read_case(fold, case, actor.user.as_str(), now).map(|_| ());
    append_if(ws, &draft, allowed).await
}
