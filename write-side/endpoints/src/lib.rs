//! HTTP endpoints that change truth.
//!
//! Owns the step from a client's request to a command and from its outcome to an answer: one
//! Matrix endpoint, one file, named after ruma's module. Invariants: I3 (a command answers only
//! when its facts are durable), I9, I10. Never decides a rule, never reads a view, never appends.

mod account;
mod admin;
mod alias;
mod backup;
mod caller;
mod config;
mod content;
mod device;
mod directory;
mod errors;
mod filter;
mod interactive;
mod keys;
mod media;
mod membership;
mod message;
mod own;
mod ports;
mod profile;
mod push;
mod receipt;
mod remote;
mod room;
mod routes;
mod session;
mod tag;
mod to_device;
mod txn;
mod whole;
mod write_endpoints;

use axum::Router;
use http_edge::MatrixResponse;

use self::{errors::EndpointError, routes::Routes};
pub use self::{
    ports::{MediaId, MediaIds, Memberships, Namespaces, NoNamespaces, RoomAliases},
    remote::{
        NoRemote, Remote, RemoteAlias, RemoteFuture, RemoteKeys, RemoteMembership, WantedKeys,
    },
    routes::Served,
    write_endpoints::{WriteEndpoints, WriteEndpointsParts, WriteSettings},
};

/// What a handler gives.
pub(crate) type Answer<T> = Result<MatrixResponse<T>, EndpointError>;

/// A good answer.
#[expect(
    clippy::unnecessary_wraps,
    reason = "every handler ends with it, after `?` of everything that can be refused"
)]
pub(crate) fn answer<T>(response: T) -> Answer<T> {
    Ok(MatrixResponse(response))
}

/// The routes of the write side. `http_edge::dress` goes around them and all others.
pub fn router(state: WriteEndpoints) -> Router {
    collect(&state).router().with_state(state)
}

/// What [`router`] serves, sorted.
pub fn served(state: &WriteEndpoints) -> Vec<Served> {
    collect(state).served()
}

fn collect(state: &WriteEndpoints) -> Routes {
    let areas = [
        account::routes,
        alias::routes,
        backup::routes,
        config::routes,
        device::routes,
        directory::routes,
        filter::routes,
        keys::routes,
        media::routes,
        membership::routes,
        message::routes,
        profile::routes,
        push::routes,
        receipt::routes,
        room::routes,
        session::routes,
        tag::routes,
        to_device::routes,
    ];
    let routes = areas.into_iter().fold(Routes::new(), |routes, area| area(routes));
    if state.shared_secret.is_some() { admin::routes(routes) } else { routes }
}
