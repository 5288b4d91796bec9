//! What is refused, and with which code.

use serde_json::{Value, json};

use crate::world::{DAY, World};

pub(crate) fn code(answer: &crate::world::Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["errcode"].as_str().unwrap().to_owned())
}

pub(crate) fn no(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_given_by_two_officers_over_http() {
    let world = World::new().await;
    let ask = async |by: &str, role: &str, user: &str| {
        let body = json!({ "role": role, "user": user, "reason": "because" });
        world.post(by, "/roles/requests", &body).await
    };
    let dan = "@dan:example.org";
    assert_eq!(code(&ask("", "legal", dan).await), no(401, "M_MISSING_TOKEN"));
    for by in ["dan", "admin", "otto"] {
        assert_eq!(code(&ask(by, "legal", dan).await), no(403, "M_FORBIDDEN"), "{by}");
    }
    assert_eq!(code(&ask("bot-ann", "legal", dan).await), no(403, "M_FORBIDDEN"));
    assert_eq!(code(&ask("ann", "king", dan).await), no(400, "M_INVALID_PARAM"));
    assert_eq!(code(&ask("ann", "legal", "@ann:example.org").await), no(403, "M_FORBIDDEN"));
    assert_eq!(code(&ask("ann", "legal", "@x:example.org").await), no(404, "M_NOT_FOUND"));
    assert_eq!(code(&ask("ann", "legal", "@x:other.org").await), no(400, "M_INVALID_PARAM"));
    assert_eq!(code(&ask("ann", "legal", "@cleo:example.org").await), no(409, "M_UNKNOWN"));
    let more = json!({ "role": "legal", "user": dan, "reason": "because", "for": "ever" });
    let more = world.post("ann", "/roles/requests", &more).await;
    assert_eq!(code(&more), no(400, "M_BAD_JSON"));

    let request = ask("ann", "data_protection_officer", dan).await.ok()["request"].clone();
    let approve = format!("/roles/requests/{request}/approve");
    let reason = json!({ "reason": "agreed" });
    let own = world.post("ann", &approve, &reason).await;
    assert_eq!(code(&own), no(403, "M_FORBIDDEN"));
    let silent = world.post("ben", &approve, &json!({ "reason": "" })).await;
    assert_eq!(code(&silent), no(400, "M_INVALID_PARAM"));
    world.post("ben", &approve, &reason).await.ok();
    assert_eq!(code(&world.post("ben", &approve, &reason).await), no(404, "M_NOT_FOUND"));
    let roles = world.get("otto", "/roles").await.ok();
    let holders = roles["holders"].as_array().unwrap();
    let held = json!({ "user": dan, "roles": ["data_protection_officer"], "suspended": false });
    assert!(holders.contains(&held), "{roles}");
    assert_eq!(code(&world.get("eve", "/roles").await), no(403, "M_FORBIDDEN"));
    let revoke =
        json!({ "role": "data_protection_officer", "user": dan, "reason": "left the house" });
    world.post("cleo", "/roles/revoke", &revoke).await.ok();
    assert_eq!(code(&world.post("cleo", "/roles/revoke", &revoke).await), no(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_that_make_no_sense_are_refused() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let later = world.now() + 30 * DAY;
    let open = async |by: &str, body: Value| world.post(by, "/cases", &body).await;
    let good = json!({ "rooms": [room], "expires_at": later, "reason": "because" });
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    for by in ["dan", "otto", "admin"] {
        assert_eq!(code(&open(by, good.clone()).await), no(403, "M_FORBIDDEN"));
    }
    let invalid = no(400, "M_INVALID_PARAM");
    assert_eq!(code(&open("ann", with("rooms", json!([]))).await), invalid);
    assert_eq!(code(&open("ann", with("rooms", json!([room, room]))).await), invalid);
    assert_eq!(code(&open("ann", with("expires_at", 5.into())).await), invalid);
    let far = world.now() + 400 * DAY;
    assert_eq!(code(&open("ann", with("expires_at", far.into())).await), invalid);
    assert_eq!(code(&open("ann", with("reason", " ".into())).await), invalid);
    let mut reversed = with("from", 9.into());
    reversed["until"] = 9.into();
    assert_eq!(code(&open("ann", reversed).await), invalid);
    let unknown = with("rooms", json!(["!nowhere:example.org"]));
    assert_eq!(code(&open("ann", unknown).await), no(404, "M_NOT_FOUND"));
    let bad = with("rooms", json!(["nonsense"]));
    assert_eq!(code(&open("ann", bad).await), no(400, "M_BAD_JSON"));
    let oneself = with("users", json!(["@ann:example.org"]));
    assert_eq!(code(&open("ann", oneself).await), no(403, "M_FORBIDDEN"));

    let case = world.open_case(json!({ "users": ["@cleo:example.org"] })).await;
    assert_eq!(code(&world.decide("ann", "approve", case).await), no(403, "M_FORBIDDEN"));
    assert_eq!(code(&world.decide("cleo", "approve", case).await), no(403, "M_FORBIDDEN"));
    assert_eq!(code(&world.decide("ben", "approve", 0).await), no(404, "M_NOT_FOUND"));
    assert_eq!(code(&world.decide("ben", "close", case).await), no(403, "M_FORBIDDEN"));
    world.decide("ben", "approve", case).await.ok();
    assert_eq!(code(&world.decide("ben", "approve", case).await), no(409, "M_UNKNOWN"));
    let events = format!("/cases/{case}/events");
    assert_eq!(code(&world.get("cleo", &events).await), no(403, "M_FORBIDDEN"));
    let none = world.get("ann", &format!("{events}?limit=0")).await;
    assert_eq!(code(&none), invalid);
    let shown = world.get("otto", &format!("/cases/{case}")).await.ok();
    assert_eq!(shown["status"], "in_force");
    assert_eq!(shown["approved"]["by"], "@ben:example.org");
    world.pass_days(30);
    let shown = world.get("otto", &format!("/cases/{case}")).await.ok();
    assert_eq!(shown["status"], "expired");
    assert_eq!(code(&world.get("ann", &events).await), no(403, "M_FORBIDDEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_number_is_matrix_s_error_and_not_plain_text() {
    let world = World::new().await;
    let reason = json!({ "reason": "because" });
    for path in [
        "/cases/x",
        "/cases/-1/accesses",
        "/cases/99999999999999999999",
        "/cases/1/exports/x",
        "/cases/1/exports/2/entries?from=x",
        "/cases/1/exports/2/entries",
        "/audit?from=x",
        "/policies/receipts?limit=x",
        "/holds/x",
    ] {
        assert_eq!(code(&world.get("ann", path).await), no(400, "M_INVALID_PARAM"), "{path}");
    }
    let posted = world.post("ann", "/roles/requests/x/approve", &reason).await;
    assert_eq!(code(&posted), no(400, "M_INVALID_PARAM"));
    // Who is nobody learns nothing about paths.
    assert_eq!(code(&world.get("", "/cases/x").await), no(401, "M_MISSING_TOKEN"));
}
