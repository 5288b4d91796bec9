//! What needs another server, as a trait.
//!
//! Owns the trait; federation implements it and the composition root wires it. Its errors are
//! answers for clients already: what another server says passes only as far as federation lets it
//! (I11).

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
};

use commands::room::MemberDetails;
use http_edge::MatrixError;
use ruma::{
    OwnedDeviceId, OwnedRoomId, OwnedServerName, OwnedUserId, RoomAliasId,
    api::client::keys::claim_keys::v3::OneTimeKeys,
};
use serde_json::Value;

/// The future of a port.
pub type RemoteFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, MatrixError>> + Send + 'a>>;

/// A change of membership that goes by another server.
#[derive(Clone, Debug)]
pub struct RemoteMembership {
    /// The room.
    pub room: OwnedRoomId,
    /// Who acts.
    pub sender: OwnedUserId,
    /// Whose membership changes; the sender except for invites.
    pub target: OwnedUserId,
    /// Servers that may know the room, best first.
    pub via: Vec<OwnedServerName>,
    /// Profile and reason.
    pub details: MemberDetails,
}

/// Where another server's alias points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteAlias {
    /// The room.
    pub room: OwnedRoomId,
    /// Servers that know it.
    pub servers: Vec<OwnedServerName>,
}

/// One-time keys of persons of other servers.
#[derive(Clone, Debug, Default)]
pub struct RemoteKeys {
    /// The keys.
    pub one_time_keys: BTreeMap<OwnedUserId, OneTimeKeys>,
    /// Servers that did not answer.
    pub failures: BTreeMap<String, Value>,
}

/// Person → device → algorithm of the wanted key.
pub type WantedKeys = BTreeMap<OwnedUserId, BTreeMap<OwnedDeviceId, String>>;

/// What needs another server.
pub trait Remote: Send + Sync + 'static {
    /// Joins a room that this server is not in.
    fn join(&self, wish: RemoteMembership) -> RemoteFuture<'_, ()>;

    /// Knocks on a room that this server is not in.
    fn knock(&self, wish: RemoteMembership) -> RemoteFuture<'_, ()>;

    /// Rejects the invite, or takes back the knock, to a room that this server is not in.
    fn leave(&self, wish: RemoteMembership) -> RemoteFuture<'_, ()>;

    /// Invites a person of another server to a room that this server is in.
    fn invite(&self, wish: RemoteMembership) -> RemoteFuture<'_, ()>;

    /// Where another server's alias points; `None` where it points nowhere.
    fn resolve_alias<'a>(&'a self, alias: &'a RoomAliasId)
    -> RemoteFuture<'a, Option<RemoteAlias>>;

    /// Claims one-time keys of persons of other servers.
    fn claim_keys(&self, wanted: WantedKeys) -> RemoteFuture<'_, RemoteKeys>;

    /// JSON of the master keys of persons of other servers, as their servers last gave them;
    /// whoever has none that is known is left out.
    fn master_keys(
        &self,
        users: BTreeSet<OwnedUserId>,
    ) -> RemoteFuture<'_, BTreeMap<OwnedUserId, String>>;
}

/// No federation: other servers do not exist.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRemote;

impl NoRemote {
    fn unknown_room<'a, T: Send + 'a>() -> RemoteFuture<'a, T> {
        let refused = MatrixError::not_found("This server does not know this room");
        Box::pin(std::future::ready(Err(refused)))
    }
}

impl Remote for NoRemote {
    fn join(&self, _wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        Self::unknown_room()
    }

    fn knock(&self, _wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        Self::unknown_room()
    }

    fn leave(&self, _wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        Self::unknown_room()
    }

    fn invite(&self, _wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        let refused = MatrixError::forbidden("This server does not reach other servers");
        Box::pin(std::future::ready(Err(refused)))
    }

    fn resolve_alias<'a>(
        &'a self,
        _alias: &'a RoomAliasId,
    ) -> RemoteFuture<'a, Option<RemoteAlias>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn claim_keys(&self, wanted: WantedKeys) -> RemoteFuture<'_, RemoteKeys> {
        let failures = wanted
            .keys()
            .map(|user| (user.server_name().to_string(), Value::Object(serde_json::Map::new())))
            .collect();
        let keys = RemoteKeys { failures, ..RemoteKeys::default() };
        Box::pin(std::future::ready(Ok(keys)))
    }

    fn master_keys(
        &self,
        _users: BTreeSet<OwnedUserId>,
    ) -> RemoteFuture<'_, BTreeMap<OwnedUserId, String>> {
        Box::pin(std::future::ready(Ok(BTreeMap::new())))
    }
}
