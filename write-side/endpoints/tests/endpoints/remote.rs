//! What goes by another server goes through the port, with everything that it needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use http_edge::MatrixError;
use ruma::{OwnedUserId, RoomAliasId, owned_room_id, owned_server_name};
use serde_json::{Value, json};
use write_endpoints::{
    Remote, RemoteAlias, RemoteFuture, RemoteKeys, RemoteMembership, WantedKeys,
};

use crate::{
    signing::master_key,
    world::{World, refusal},
};

const FAR_ROOM: &str = "!far:elsewhere.org";

/// Says yes to everything and remembers it.
#[derive(Default)]
pub(crate) struct Recording(Mutex<Vec<(&'static str, RemoteMembership)>>);

impl Recording {
    fn note(&self, what: &'static str, wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        self.0.lock().unwrap().push((what, wish));
        Box::pin(std::future::ready(Ok(())))
    }

    fn last(&self) -> (&'static str, RemoteMembership) {
        self.0.lock().unwrap().last().unwrap().clone()
    }
}

impl Remote for Recording {
    fn join(&self, wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        self.note("join", wish)
    }

    fn knock(&self, wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        self.note("knock", wish)
    }

    fn leave(&self, wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        self.note("leave", wish)
    }

    fn invite(&self, wish: RemoteMembership) -> RemoteFuture<'_, ()> {
        self.note("invite", wish)
    }

    fn resolve_alias<'a>(
        &'a self,
        alias: &'a RoomAliasId,
    ) -> RemoteFuture<'a, Option<RemoteAlias>> {
        let found = (alias.as_str() == "#far:elsewhere.org").then(|| RemoteAlias {
            room: owned_room_id!("!far:elsewhere.org"),
            servers: vec![owned_server_name!("third.org")],
        });
        Box::pin(std::future::ready(Ok(found)))
    }

    fn claim_keys(&self, _wanted: WantedKeys) -> RemoteFuture<'_, RemoteKeys> {
        Box::pin(std::future::ready(Err(MatrixError::internal())))
    }

    fn master_keys(
        &self,
        users: BTreeSet<OwnedUserId>,
    ) -> RemoteFuture<'_, BTreeMap<OwnedUserId, String>> {
        let far = users.into_iter().filter(|user| user == "@far:elsewhere.org");
        let keys = far.map(|user| (user.clone(), master_key(&user, 9).1.to_string())).collect();
        Box::pin(std::future::ready(Ok(keys)))
    }
}

fn servers(wish: &RemoteMembership) -> Vec<&str> {
    wish.via.iter().map(|server| server.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_of_other_servers_are_joined_through_them() {
    let remote = Arc::new(Recording::default());
    let world = World::federating(remote.clone()).await;
    let alice = world.person("alice").await;
    let name = format!("/profile/{}/displayname", alice.user_id);
    world.by(&alice, "PUT", &name, json!({ "displayname": "Alice" })).await.ok();

    let path = "/join/%23far:elsewhere.org?via=first.org";
    let joined = world.by(&alice, "POST", path, json!({ "reason": "tea" })).await.ok();
    assert_eq!(joined["room_id"], FAR_ROOM);
    let (what, wish) = remote.last();
    assert_eq!((what, wish.room.as_str()), ("join", FAR_ROOM));
    assert_eq!(servers(&wish), ["first.org", "third.org"]);
    assert_eq!(wish.details.reason.as_deref(), Some("tea"));
    let profile = serde_json::to_value(&wish.details.profile).unwrap();
    assert_eq!(profile, json!({ "displayname": "Alice" }));

    let path = format!("/knock/{FAR_ROOM}");
    world.by(&alice, "POST", &path, json!({})).await.ok();
    let (what, wish) = remote.last();
    assert_eq!((what, servers(&wish)), ("knock", vec!["elsewhere.org"]));
    let nowhere = world.by(&alice, "POST", "/join/%23none:elsewhere.org", json!({})).await;
    assert_eq!(nowhere.refused(), refusal(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_other_servers_are_invited_through_them() {
    let remote = Arc::new(Recording::default());
    let world = World::federating(remote.clone()).await;
    let alice = world.person("alice").await;
    let wish = json!({ "invite": ["@far:elsewhere.org"], "is_direct": true });
    let room = world.by(&alice, "POST", "/createRoom", wish).await.ok();
    let room = room["room_id"].as_str().unwrap();
    let (what, wish) = remote.last();
    assert_eq!((what, wish.room.as_str()), ("invite", room));
    assert_eq!((wish.sender, wish.details.is_direct), (alice.user_id.clone(), true));

    let path = format!("/rooms/{room}/invite");
    world.by(&alice, "POST", &path, json!({ "user_id": "@other:elsewhere.org" })).await.ok();
    let (_, wish) = remote.last();
    assert_eq!(wish.target, "@other:elsewhere.org");
    let path = format!("/rooms/{room}/state/m.room.member/@third:elsewhere.org");
    let unsigned = world.by(&alice, "PUT", &path, json!({ "membership": "invite" })).await;
    assert_eq!(unsigned.refused(), refusal(403, "M_FORBIDDEN"));
    assert_eq!(remote.0.lock().unwrap().len(), 2);
    let none: Value = json!({ "one_time_keys": {} });
    world.by(&alice, "POST", "/keys/claim", none).await.ok();
}
