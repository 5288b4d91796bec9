//! Server, account, profile, account data, push rules.

use facts::fact::{AccountDataSet, AccountDeactivated, FilterStored, ProfileFieldSet};
use serde_json::{Value, json};

use crate::world::{World, refused};

fn profile(field: &str, value: &Value) -> ProfileFieldSet {
    ProfileFieldSet { field: field.to_owned(), value: Some(value.to_string().into_bytes()) }
}

fn data(room: Option<&str>, data_type: &str, content: &Value) -> AccountDataSet {
    AccountDataSet {
        room: room.map(str::to_owned),
        data_type: data_type.to_owned(),
        content: Some(content.to_string().into_bytes()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_says_what_it_is() {
    let world = World::with(&["alice"]);
    let versions = world.get("", "/versions").await.ok();
    assert!(versions["versions"].as_array().expect("a list").contains(&json!("v1.11")));
    let known = world.call("GET", "", "/.well-known/matrix/client", Value::Null).await.ok();
    assert_eq!(known, json!({"m.homeserver": {"base_url": "https://here.test"}}));
    let capabilities = world.get("alice", "/v3/capabilities").await.ok();
    let rooms = &capabilities["capabilities"]["m.room_versions"];
    assert_eq!(rooms["default"], "12");
    assert_eq!(rooms["available"]["5"], "unstable");
    assert_eq!(rooms["available"].as_object().expect("versions").len(), 11);
    assert_eq!(world.get("alice", "/v3/voip/turnServer").await.ok(), json!({}));
    assert_eq!(world.get("", "/v3/capabilities").await.refusal(), refused(401, "M_MISSING_TOKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn oneself_and_ones_devices() {
    let world = World::with(&["alice", "bob"]);
    let whoami = world.get("guest-alice", "/v3/account/whoami").await.ok();
    let expected = json!({"user_id": "@alice:here.test", "device_id": "DEVICE", "is_guest": true});
    assert_eq!(whoami, expected);
    let device = json!({"device_id": "DEVICE", "display_name": "alice's phone"});
    assert_eq!(world.get("alice", "/v3/devices").await.ok(), json!({"devices": [device]}));
    assert_eq!(world.get("alice", "/v3/devices/DEVICE").await.ok(), device);
    let none = world.get("alice", "/v3/devices/OTHER").await;
    assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"));
    let own = world.get("alice", "/v3/admin/whois/@alice:here.test").await.ok();
    assert!(own["devices"]["DEVICE"].is_object(), "{own}");
    let other = world.get("alice", "/v3/admin/whois/@bob:here.test").await;
    assert_eq!(other.refusal(), refused(403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_public_while_the_account_lives() {
    let world = World::with(&["alice", "bob"]);
    world.own("alice", profile("displayname", &json!("Alice")));
    world.own("alice", profile("m.tz", &json!("Europe/Berlin")));
    let whole = world.get("", "/v3/profile/@alice:here.test").await.ok();
    assert_eq!(whole, json!({"displayname": "Alice", "m.tz": "Europe/Berlin"}));
    for (field, value) in [("displayname", "Alice"), ("m.tz", "Europe/Berlin")] {
        let one = world.get("", &format!("/v3/profile/@alice:here.test/{field}")).await.ok();
        assert_eq!(one, json!({field: value}));
    }
    assert_eq!(world.get("", "/v3/profile/@bob:here.test").await.ok(), json!({}));
    world.own("bob", AccountDeactivated { erase: false });
    for path in [
        "@alice:here.test/avatar_url",
        "@alice:here.test/m.other",
        "@bob:here.test",
        "@nobody:here.test",
        "@alice:there.test",
    ] {
        let answer = world.get("", &format!("/v3/profile/{path}")).await;
        assert_eq!(answer.refusal(), refused(404, "M_NOT_FOUND"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn account_data_is_its_owners_alone() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    let id = world.id(room).to_owned();
    world.own("alice", data(None, "org.example", &json!({"a": 1})));
    world.own("alice", data(Some(&id), "m.tag", &json!({"tags": {"m.favourite": {}}})));
    let filter = FilterStored { filter_id: "1".to_owned(), filter: b"{\"room\":{}}".to_vec() };
    world.own("alice", filter);
    let base = "/v3/user/@alice:here.test";
    for (path, expected) in [
        (format!("{base}/account_data/org.example"), json!({"a": 1})),
        (format!("{base}/rooms/{id}/tags"), json!({"tags": {"m.favourite": {}}})),
        (format!("{base}/rooms/{id}/account_data/m.tag"), json!({"tags": {"m.favourite": {}}})),
        (format!("{base}/filter/1"), json!({"room": {}})),
    ] {
        assert_eq!(world.get("alice", &path).await.ok(), expected, "{path}");
        assert_eq!(world.get("bob", &path).await.refusal(), refused(403, "M_FORBIDDEN"), "{path}");
        let guest = world.get("guest-alice", &path).await.refusal();
        assert_eq!(guest, refused(403, "M_GUEST_ACCESS_FORBIDDEN"), "{path}");
    }
    for path in ["account_data/org.other", "filter/2"] {
        let none = world.get("alice", &format!("{base}/{path}")).await;
        assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn push_rules_are_the_default_ones_with_changes() {
    let world = World::with(&["alice"]);
    let all = world.get("alice", "/v3/pushrules/").await.ok();
    let scope = world.get("alice", "/v3/pushrules/global/").await.ok();
    assert_eq!(all["global"], scope);
    assert_eq!(world.get("alice", "/v3/pushrules").await.ok(), all);
    let stored = json!({"global": {"sender": [{"rule_id": "@bob:here.test", "default": false,
        "enabled": true, "actions": []}]}});
    world.own("alice", data(None, "m.push_rules", &stored));
    let own = "/v3/pushrules/global/sender/@bob:here.test";
    assert_eq!(world.get("alice", own).await.ok()["rule_id"], "@bob:here.test");
    assert_eq!(world.get("alice", &format!("{own}/enabled")).await.ok(), json!({"enabled": true}));
    assert_eq!(world.get("alice", &format!("{own}/actions")).await.ok(), json!({"actions": []}));
    let default = world.get("alice", "/v3/pushrules/global/override/.m.rule.master").await.ok();
    assert_eq!(default["enabled"], false);
    let none = world.get("alice", "/v3/pushrules/global/room/!none:here.test").await;
    assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"));
    let data = world.get("alice", "/v3/user/@alice:here.test/account_data/m.push_rules").await;
    assert!(data.ok()["global"]["override"].is_array());
}
