//! The audit trail of accounts: logins, ends of sessions, and what is done to accounts and to the
//! server.
//!
//! Owns which changes leave an audit fact, and who is named in it. What changes an account stands
//! in one batch with its audit fact: neither is there without the other. What changes nothing (a
//! failed login, a look at the accounts) is appended by itself and durable before it is answered,
//! so nothing is tried or seen without a trace. Invariants: I3. Never holds a password or a token.

mod by;
mod login;
mod trail;

use std::{convert::Infallible, net::IpAddr};

use facts::{
    Batch, Draft, Fact, LogPosition, Routing, StreamId, StreamRef,
    fact::{AdministrationRecorded, AdministrativeAct, StreamKind},
};

pub use self::{
    by::By,
    login::{FailedLogin, record_failed_login},
};
pub(crate) use self::{login::accepted_login, trail::Trail};
use crate::{CommandError, WriteSide};

/// The stream of the audit trail, opened if it is missing.
pub(crate) fn trail_stream<R>(ws: &WriteSide) -> Result<StreamId, CommandError<R>> {
    let name = ws.identity().server_name.clone();
    ws.ensure_stream(StreamKind::Audit, name.as_str())
}

/// Records what is about to be done to the server; once this answers it is durable, and may be
/// done. A crash after it leaves an act that did not happen, never one without its fact.
pub async fn record_administration(
    ws: &WriteSide,
    by: &By,
    act: AdministrativeAct,
) -> Result<LogPosition, CommandError<Infallible>> {
    let audit = trail_stream(ws)?;
    let fact = AdministrationRecorded {
        by: by.agent.clone(),
        act,
        subject: None,
        address: address_text(by.address),
        reason: by.reason.clone(),
    };
    append_alone(ws, draft(&fact.into(), audit, by.actor(ws)?)).await
}

/// A network address in its usual text form.
pub(crate) fn address_text(address: Option<IpAddr>) -> Option<String> {
    address.map(|address| address.to_canonical().to_string())
}

fn draft(fact: &Fact, audit: StreamId, actor: StreamRef) -> Draft {
    fact.draft(Routing { actor, ..Routing::server(audit) })
        .expect("a fact of the audit trail has no personal part")
}

async fn append_alone<R>(ws: &WriteSide, draft: Draft) -> Result<LogPosition, CommandError<R>> {
    let headers = ws.core().append(Batch { drafts: vec![draft], expects: Vec::new() })?;
    let position = headers.first().expect("a batch of one draft has one header").position;
    ws.core().durable(position).await?;
    Ok(position)
}
