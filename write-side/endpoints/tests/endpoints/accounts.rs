//! Registering, logging in and out, devices, passwords, ending an account.

use commands::user::look;
use decide::user::uia::RegistrationMode;
use serde_json::{Value, json};

use crate::world::{LOGIN_BURST, Person, REGISTRATION_TOKEN, World, refusal};

fn password_auth(person: &Person, password: &str, session: &Value) -> Value {
    json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": person.user_id },
        "password": password,
        "session": session,
    })
}

async fn device_ids(world: &World, person: &Person) -> Vec<String> {
    let devices =
        look(&world.write_side, &person.user_id, |fold| fold.devices.keys().cloned().collect());
    devices.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_asks_for_a_stage_and_gives_a_session() {
    let world = World::new().await;
    let mut body = json!({ "username": "Alice", "password": "wonderland", "refresh_token": true });
    let challenge = world.anonymous("POST", "/register", body.clone()).await;
    assert_eq!(challenge.status, 401);
    assert_eq!(challenge.body.get("errcode"), None);
    assert_eq!(
        challenge.body["flows"],
        json!([{ "stages": ["m.login.dummy"] }, { "stages": ["m.login.registration_token"] }])
    );
    body["auth"] = json!({ "type": "m.login.dummy", "session": challenge.body["session"] });
    let answer = world.anonymous("POST", "/register", body.clone()).await.ok();
    assert_eq!(answer["user_id"], "@alice:example.org");
    assert!(answer["refresh_token"].is_string());
    assert_eq!(answer["expires_in_ms"], 3_600_000);
    assert_eq!(
        world.anonymous("POST", "/register", body).await.refused(),
        refusal(400, "M_USER_IN_USE")
    );
    for (name, code) in [("alice", "M_USER_IN_USE"), ("white rabbit", "M_INVALID_USERNAME")] {
        let path = format!("/register/available?username={}", name.replace(' ', "%20"));
        let taken = world.anonymous("GET", &path, Value::Null).await;
        assert_eq!(taken.refused(), refusal(400, code));
    }
    let path = "/register/available?username=bob";
    let free = world.anonymous("GET", path, Value::Null).await.ok();
    assert_eq!(free["available"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_can_do_without_a_login() {
    let world = World::new().await;
    let body = json!({
        "username": "bot",
        "inhibit_login": true,
        "auth": { "type": "m.login.dummy" },
    });
    let answer = world.anonymous("POST", "/register", body).await.ok();
    assert_eq!(answer["user_id"], "@bot:example.org");
    assert_eq!(answer.get("access_token"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_token_serves_as_often_as_it_may() {
    let world = World::with(|settings| settings.registration = RegistrationMode::Token).await;
    let validity = |token: &str| {
        format!("/_matrix/client/v1/register/m.login.registration_token/validity?token={token}")
    };
    let body = |name: &str, token: &str| {
        json!({
            "username": name,
            "password": "wonderland",
            "auth": { "type": "m.login.registration_token", "token": token },
        })
    };
    let wrong = world.anonymous("POST", "/register", body("alice", "wrong")).await;
    assert_eq!(wrong.body["flows"], json!([{ "stages": ["m.login.registration_token"] }]));
    assert_eq!(wrong.refused(), refusal(401, "M_UNAUTHORIZED"));

    let dummy = json!({ "username": "alice", "auth": { "type": "m.login.dummy" } });
    let refused = world.anonymous("POST", "/register", dummy).await.refused();
    assert_eq!(refused, refusal(400, "M_UNRECOGNIZED"));

    let path = validity(REGISTRATION_TOKEN);
    let valid = world.anonymous("GET", &path, Value::Null).await.ok();
    assert_eq!(valid["valid"], true);
    let right = body("alice", REGISTRATION_TOKEN);
    world.anonymous("POST", "/register", right).await.ok();
    let used_up = world.anonymous("GET", &path, Value::Null).await.ok();
    assert_eq!(used_up["valid"], false);
    let again = world.anonymous("POST", "/register", body("bob", REGISTRATION_TOKEN)).await;
    assert_eq!(again.refused(), refusal(401, "M_UNAUTHORIZED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_and_closed_registration_are_refused() {
    let world = World::new().await;
    let guest = world.anonymous("POST", "/register?kind=guest", json!({})).await;
    assert_eq!(guest.refused(), refusal(403, "M_GUEST_ACCESS_FORBIDDEN"));
    let appservice = json!({ "type": "m.login.application_service", "username": "_bridge" });
    let no_token = world.anonymous("POST", "/register", appservice).await;
    assert_eq!(no_token.refused(), refusal(401, "M_MISSING_TOKEN"));

    let closed = World::with(|settings| settings.registration = RegistrationMode::Closed).await;
    let body = json!({ "username": "alice", "auth": { "type": "m.login.dummy" } });
    let refused = closed.anonymous("POST", "/register", body).await.refused();
    assert_eq!(refused, refusal(403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn login_takes_every_form_of_a_name_and_no_wrong_password() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let flows = world.anonymous("GET", "/login", Value::Null).await.ok();
    assert_eq!(flows["flows"][0]["type"], "m.login.password");

    let forms = [
        json!({ "identifier": { "type": "m.id.user", "user": "alice" } }),
        json!({ "identifier": { "type": "m.id.user", "user": "@alice:example.org" } }),
        json!({ "user": "alice" }),
    ];
    for mut body in forms {
        body["type"] = "m.login.password".into();
        body["password"] = "wonderland".into();
        body["device_id"] = "PHONE".into();
        let answer = world.anonymous("POST", "/login", body.clone()).await.ok();
        assert_eq!(answer["user_id"], alice.user_id.as_str());
        assert_eq!(answer["device_id"], "PHONE");
        let homeserver = &answer["well_known"]["m.homeserver"];
        assert_eq!(homeserver["base_url"], "https://matrix.example.org");
        body["password"] = "looking glass".into();
        let wrong = world.anonymous("POST", "/login", body).await.refused();
        assert_eq!(wrong, refusal(403, "M_FORBIDDEN"));
    }
    let nobody = json!({ "type": "m.login.password", "user": "nobody", "password": "x" });
    let unknown = world.anonymous("POST", "/login", nobody).await.refused();
    assert_eq!(unknown, refusal(403, "M_FORBIDDEN"));
    let other = json!({ "type": "m.login.token", "token": "x" });
    let unknown = world.anonymous("POST", "/login", other).await.refused();
    assert_eq!(unknown, refusal(400, "M_UNKNOWN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_an_account_is_slowed_down() {
    let world = World::limited().await;
    let body = json!({ "type": "m.login.password", "user": "alice", "password": "x" });
    for _ in 0..LOGIN_BURST {
        let wrong = world.anonymous("POST", "/login", body.clone()).await.refused();
        assert_eq!(wrong, refusal(403, "M_FORBIDDEN"));
    }
    let limited = world.anonymous("POST", "/login", body).await;
    assert!(limited.body["retry_after_ms"].as_u64().unwrap() > 0);
    assert_eq!(limited.refused(), refusal(429, "M_LIMIT_EXCEEDED"));
    let other = json!({ "type": "m.login.password", "user": "bob", "password": "x" });
    let other = world.anonymous("POST", "/login", other).await.refused();
    assert_eq!(other, refusal(403, "M_FORBIDDEN"), "accounts are apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_gives_new_tokens_for_a_known_one() {
    let world = World::new().await;
    world.person("alice").await;
    let body = json!({
        "type": "m.login.password", "user": "alice", "password": "wonderland",
        "refresh_token": true,
    });
    let session = world.anonymous("POST", "/login", body).await.ok();
    let body = json!({ "refresh_token": session["refresh_token"] });
    let refreshed = world.anonymous("POST", "/refresh", body).await.ok();
    assert_ne!(refreshed["access_token"], session["access_token"]);
    assert!(refreshed["refresh_token"].is_string());
    let unknown = world.anonymous("POST", "/refresh", json!({ "refresh_token": "x" })).await;
    assert_eq!(unknown.refused(), refusal(401, "M_UNKNOWN_TOKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_device() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let body = json!({ "type": "m.login.password", "user": "alice", "password": "wonderland" });
    let second = world.anonymous("POST", "/login", body).await.ok();
    let second = world.sign_in(&second);
    assert_eq!(device_ids(&world, &alice).await.len(), 2);
    world.by(&alice, "POST", "/logout", json!({})).await.ok();
    assert_eq!(device_ids(&world, &alice).await, [second.device_id.as_str()]);
    world.by(&second, "POST", "/logout/all", json!({})).await.ok();
    assert!(device_ids(&world, &alice).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_renamed_freely_and_deleted_with_a_password() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let body = json!({
        "type": "m.login.password", "user": "alice", "password": "wonderland", "device_id": "OLD",
    });
    world.anonymous("POST", "/login", body).await.ok();
    let name = json!({ "display_name": "Old phone" });
    world.by(&alice, "PUT", "/devices/OLD", name.clone()).await.ok();
    let unknown = world.by(&alice, "PUT", "/devices/NONE", name).await.refused();
    assert_eq!(unknown, refusal(404, "M_NOT_FOUND"));

    let challenge = world.by(&alice, "DELETE", "/devices/OLD", json!({})).await;
    assert_eq!(challenge.status, 401);
    assert_eq!(challenge.body["flows"], json!([{ "stages": ["m.login.password"] }]));
    let session = &challenge.body["session"];
    let bob = world.person("bob").await;
    let body = json!({ "auth": password_auth(&alice, "looking glass", session) });
    let wrong = world.by(&alice, "DELETE", "/devices/OLD", body).await;
    assert_eq!(wrong.body["session"], *session, "{wrong:?}");
    assert_eq!(wrong.refused(), refusal(401, "M_FORBIDDEN"));
    let body = json!({ "auth": password_auth(&bob, "wonderland", session) });
    let other = world.by(&alice, "DELETE", "/devices/OLD", body).await;
    assert_eq!(other.refused(), refusal(403, "M_FORBIDDEN"));
    let body = json!({ "auth": password_auth(&alice, "wonderland", session) });
    world.by(&alice, "DELETE", "/devices/OLD", body.clone()).await.ok();
    assert_eq!(device_ids(&world, &alice).await, [alice.device_id.as_str()]);
    let spent = world.by(&alice, "DELETE", "/devices/OLD", body).await;
    assert_eq!(spent.status, 401, "a session serves once");

    let body = json!({
        "devices": [alice.device_id],
        "auth": { "type": "m.login.password", "user": "alice", "password": "wonderland" },
    });
    world.by(&alice, "POST", "/delete_devices", body).await.ok();
    assert!(device_ids(&world, &alice).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_replaces_the_old_one_and_ends_other_devices() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let login = |password: &str| json!({ "type": "m.login.password", "user": "alice", "password": password });
    world.anonymous("POST", "/login", login("wonderland")).await.ok();
    let nobody = world.anonymous("POST", "/account/password", json!({ "new_password": "x" })).await;
    assert_eq!(nobody.refused(), refusal(401, "M_MISSING_TOKEN"));
    let body = json!({
        "new_password": "looking glass",
        "auth": { "type": "m.login.password", "user": "alice", "password": "wonderland" },
    });
    world.by(&alice, "POST", "/account/password", body).await.ok();
    assert_eq!(device_ids(&world, &alice).await, [alice.device_id.as_str()]);
    let old = world.anonymous("POST", "/login", login("wonderland")).await;
    assert_eq!(old.refused(), refusal(403, "M_FORBIDDEN"));
    world.anonymous("POST", "/login", login("looking glass")).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deactivated_account_leaves_its_rooms_and_never_comes_back() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let room = world.public_room(&alice).await;
    world.by(&bob, "POST", &format!("/rooms/{room}/join"), json!({})).await.ok();
    world.is_in(&bob, &room);
    let body = json!({
        "auth": { "type": "m.login.password", "user": "bob", "password": "wonderland" },
        "erase": true,
    });
    let answer = world.by(&bob, "POST", "/account/deactivate", body).await.ok();
    assert_eq!(answer["id_server_unbind_result"], "success");
    let kick = json!({ "user_id": bob.user_id });
    let gone = world.by(&alice, "POST", &format!("/rooms/{room}/kick"), kick).await;
    assert_eq!(gone.refused(), refusal(403, "M_FORBIDDEN"), "has left already");
    let login = json!({ "type": "m.login.password", "user": "bob", "password": "wonderland" });
    let ended = world.anonymous("POST", "/login", login).await.refused();
    assert_eq!(ended, refusal(403, "M_USER_DEACTIVATED"));
    let again = json!({ "username": "bob", "auth": { "type": "m.login.dummy" } });
    let taken = world.anonymous("POST", "/register", again).await.refused();
    assert_eq!(taken, refusal(400, "M_USER_IN_USE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_the_shared_secret_makes_accounts() {
    let path = "/_synapse/admin/v1/register";
    let world = World::with(|settings| settings.shared_secret = Some(b"secret".to_vec())).await;
    let nonce = world.anonymous("GET", path, Value::Null).await.ok();
    let body = json!({
        "nonce": nonce["nonce"], "username": "root", "password": "wonderland", "admin": true,
        "mac": "00",
    });
    let wrong = world.anonymous("POST", path, body.clone()).await.refused();
    assert_eq!(wrong, refusal(403, "M_FORBIDDEN"));
    let spent = world.anonymous("POST", path, body).await.refused();
    assert_eq!(spent, refusal(400, "M_UNKNOWN"));
    let without = World::new().await.anonymous("GET", path, Value::Null).await.refused();
    assert_eq!(without, refusal(404, "M_UNRECOGNIZED"));
}
