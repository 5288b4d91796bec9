//! Policies, holds and erasures over HTTP: what is refused, and with which code.

use commands::governance::{approve_role, request_role};
use facts::fact::Role;
use serde_json::{Value, json};

use crate::{
    refusals::{code, no},
    world::{World, user, who},
};

const BROKER: &str =
    "[policy.broker]\nrecords = [\"messages\"]\nkeep_at_least = \"6y\"\nlocked = true\n";

async fn apply(world: &World, by: &str, document: &str, based_on: u64) -> crate::world::Answer {
    let body = json!({ "document": document, "based_on": based_on, "reason": "because" });
    world.post(by, "/policies", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_tried_applied_and_never_weakened() {
    let world = World::new().await;
    assert_eq!(world.get("otto", "/policies").await.ok()["version"], 0);
    for by in ["dan", "admin", "otto", "cleo"] {
        assert_eq!(code(&apply(&world, by, BROKER, 0).await), no(403, "M_FORBIDDEN"), "{by}");
    }
    let wrong =
        apply(&world, "ann", "[policy.x]\nrecords = [\"messages\"]\nkep = \"1y\"\n", 0).await;
    assert_eq!(code(&wrong), no(400, "M_INVALID_PARAM"));
    assert_eq!(wrong.json()["problems"][0]["line"], 3, "{wrong:?}");
    let silent = json!({ "document": BROKER, "based_on": 0, "reason": "" });
    let silent = world.post("ann", "/policies", &silent).await;
    assert_eq!(code(&silent), no(400, "M_INVALID_PARAM"));
    let more = json!({ "document": BROKER, "based_on": 0, "reason": "x", "force": true });
    assert_eq!(code(&world.post("ann", "/policies", &more).await), no(400, "M_BAD_JSON"));

    let dry = json!({ "document": BROKER, "based_on": 0, "reason": "x", "dry_run": true });
    let dry = world.post("ann", "/policies", &dry).await.ok();
    assert_eq!((&dry["version"], &dry["changes"]["added"]), (&json!(1), &json!(["broker"])));
    assert_eq!(world.get("otto", "/policies").await.ok()["version"], 0, "a dry run does nothing");

    assert_eq!(apply(&world, "ann", BROKER, 0).await.ok()["version"], 1);
    assert_eq!(code(&apply(&world, "ben", BROKER, 0).await), no(409, "M_UNKNOWN"), "outdated");
    assert_eq!(code(&apply(&world, "ben", BROKER, 1).await), no(409, "M_UNKNOWN"), "unchanged");
    let weaker = apply(&world, "ben", &BROKER.replace("6y", "5y"), 1).await;
    assert_eq!(code(&weaker), no(409, "M_UNKNOWN"));
    let line = weaker.json()["locked"][0].as_str().unwrap().to_owned();
    assert!(line.contains("broker") && line.contains("keep_at_least"), "{line}");
    assert!(weaker.json()["error"].as_str().unwrap().contains(&line), "{weaker:?}");
    assert_eq!(apply(&world, "ben", &BROKER.replace("6y", "7y"), 1).await.ok()["version"], 2);

    let shown = world.get("otto", "/policies").await.ok();
    assert_eq!(shown["document"], BROKER.replace("6y", "7y"));
    assert_eq!(shown["sha256"].as_str().unwrap().len(), 64);
    let history = world.get("otto", "/policies/history").await.ok();
    let versions: Vec<&Value> =
        history["versions"].as_array().unwrap().iter().map(|v| &v["version"]).collect();
    assert_eq!(versions, [&json!(1), &json!(2)]);
    assert_eq!(history["versions"][1]["sha256"], shown["sha256"]);
    for path in ["/policies", "/policies/history", "/policies/plan", "/holds", "/erasures"] {
        assert_eq!(code(&world.get("dan", path).await), no(403, "M_FORBIDDEN"), "{path}");
        assert_eq!(code(&world.get("", path).await), no(401, "M_MISSING_TOKEN"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_document_fits_into_a_body() {
    let world = World::new().await;
    let comment = "#\"\n".repeat((192 * 1024 - BROKER.len()) / 3);
    assert_eq!(apply(&world, "ann", &(BROKER.to_owned() + &comment), 0).await.ok()["version"], 1);
    let longer = BROKER.to_owned() + &comment + "###";
    assert_eq!(code(&apply(&world, "ann", &longer, 1).await), no(400, "M_INVALID_PARAM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_are_placed_by_one_and_released_by_two() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let place = async |by: &str, parts: Value| {
        let body = json!({ "matter": "inquiry", "parts": parts, "reason": "because" });
        world.post(by, "/holds", &body).await
    };
    let good = json!([{ "users": ["@dan:example.org"], "rooms": [room] }]);
    for by in ["dan", "otto", "admin"] {
        assert_eq!(code(&place(by, good.clone()).await), no(403, "M_FORBIDDEN"), "{by}");
    }
    let invalid = no(400, "M_INVALID_PARAM");
    assert_eq!(code(&place("cleo", json!([])).await), invalid, "no part");
    assert_eq!(code(&place("cleo", json!([{}])).await), invalid, "an empty part");
    let reversed = json!([{ "rooms": [room], "from": 9, "until": 9 }]);
    assert_eq!(code(&place("cleo", reversed).await), invalid);
    let unknown = json!([{ "rooms": ["!nowhere:example.org"] }]);
    assert_eq!(code(&place("cleo", unknown).await), no(404, "M_NOT_FOUND"));
    assert_eq!(code(&place("cleo", json!([{ "rooms": ["x"] }])).await), no(400, "M_BAD_JSON"));
    let body = json!({ "matter": " ", "parts": good, "reason": "because" });
    assert_eq!(code(&world.post("cleo", "/holds", &body).await), invalid, "no matter");

    let hold = place("cleo", good.clone()).await.ok()["hold"].as_u64().unwrap();
    let at = |what: &str| format!("/holds/{hold}{what}");
    let told = json!({ "users": ["@eve:example.org"], "reason": "by letter" });
    assert_eq!(code(&world.post("ann", &at("/notified"), &told).await), invalid, "no custodian");
    let told = json!({ "users": ["@dan:example.org"], "reason": "by letter" });
    world.post("ann", &at("/notified"), &told).await.ok();
    let wider = json!({ "parts": [{ "users": ["@eve:example.org"] }], "reason": "because" });
    world.post("ann", &at("/widen"), &wider).await.ok();
    let shown = world.get("otto", &at("")).await.ok();
    assert_eq!(shown["parts"].as_array().unwrap().len(), 2);
    assert_eq!(shown["custodians"][0]["user"], "@dan:example.org");
    assert!(shown["custodians"][0]["notified_at"].is_u64() && shown["release"].is_null());
    assert!(shown["custodians"][1]["notified_at"].is_null(), "{shown}");
    assert_eq!(code(&world.get("otto", "/holds/1").await), no(404, "M_NOT_FOUND"));

    let why = json!({ "reason": "over" });
    let part = json!({ "parts": [7], "reason": "over" });
    assert_eq!(code(&world.post("ann", &at("/release"), &part).await), invalid);
    let all = json!({ "parts": [0, 1], "reason": "over" });
    assert_eq!(code(&world.post("ann", &at("/release"), &all).await), invalid);
    let request = world.post("ann", &at("/release"), &why).await.ok()["request"].clone();
    let second = world.post("ben", &at("/release"), &why).await;
    assert_eq!(code(&second), no(409, "M_UNKNOWN"), "one waits");
    let decide = |how: &str| format!("/holds/releases/{request}/{how}");
    assert_eq!(code(&world.post("ann", &decide("approve"), &why).await), no(403, "M_FORBIDDEN"));
    assert_eq!(code(&world.post("otto", &decide("approve"), &why).await), no(403, "M_FORBIDDEN"));
    world.post("ben", &decide("reject"), &why).await.ok();
    assert_eq!(code(&world.post("ben", &decide("approve"), &why).await), no(404, "M_NOT_FOUND"));
    let request = world.post("ann", &at("/release"), &why).await.ok()["request"].clone();
    world.post("cleo", &format!("/holds/releases/{request}/approve"), &why).await.ok();
    assert_eq!(code(&world.get("otto", &at("")).await), no(404, "M_NOT_FOUND"));
    assert_eq!(world.get("otto", "/holds").await.ok()["holds"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn erasures_are_the_data_protection_officers() {
    let world = World::new().await;
    let ask = async |by: &str, user: &str| {
        world.post(by, "/erasures", &json!({ "user": user, "reason": "a letter" })).await
    };
    for by in ["ann", "cleo", "otto", "dan", "eve"] {
        assert_eq!(code(&ask(by, "@eve:example.org").await), no(403, "M_FORBIDDEN"), "{by}");
    }
    let role = Role::DataProtectionOfficer;
    let asked = request_role(&world.ws, &who("ann"), role, &user("dan"), "because").await.unwrap();
    approve_role(&world.ws, &who("ben"), asked, "agreed").await.unwrap();
    assert_eq!(code(&ask("dan", "@nobody:example.org").await), no(404, "M_NOT_FOUND"));
    assert_eq!(code(&ask("dan", "eve").await), no(400, "M_BAD_JSON"));
    let request = ask("dan", "@eve:example.org").await.ok()["request"].clone();
    let hold =
        json!({ "matter": "m", "parts": [{ "users": ["@eve:example.org"] }], "reason": "x" });
    let hold = world.post("ann", "/holds", &hold).await.ok()["hold"].clone();
    let listed = world.get("otto", "/erasures").await.ok();
    assert_eq!(listed["erasures"][0]["user"], "@eve:example.org");
    assert_eq!(listed["erasures"][0]["held_by"], json!([hold]));
    let (path, why) = (format!("/erasures/{request}/withdraw"), json!({ "reason": "kept" }));
    assert_eq!(code(&world.post("ann", &path, &why).await), no(403, "M_FORBIDDEN"));
    world.post("dan", &path, &why).await.ok();
    assert_eq!(code(&world.post("dan", &path, &why).await), no(404, "M_NOT_FOUND"));
    assert_eq!(world.get("otto", "/erasures").await.ok()["erasures"], json!([]));
}
