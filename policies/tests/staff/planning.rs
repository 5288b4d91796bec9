//! Explaining and planning: one answer, named by its rules, and changed by a hold.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    refusals::{code, no},
    world::World,
};

const CANARY: &str = "canaryqzx";
const DOCUMENT: &str = "[policy.brief]\nrecords = [\"messages\"]\nkeep_at_most = \"1d\"\n\
                        [policy.law]\nrecords = [\"messages\"]\nkeep_at_least = \"2h\"\n";

/// Records by fate, and all that is not kept, over all pages.
async fn plan(world: &World, limit: u32) -> (BTreeMap<String, u64>, Vec<Value>) {
    let (mut fates, mut records, mut from) = (BTreeMap::new(), Vec::new(), 0);
    let mut last = String::new();
    for _ in 0..1_000 {
        let path = format!("/policies/plan?from={from}&limit={limit}{last}");
        let page = world.get("otto", &path).await.ok();
        last = format!("&last={}", page["last"]);
        for group in page["counts"].as_array().unwrap() {
            let fate = group["fate"].as_str().unwrap().to_owned();
            *fates.entry(fate).or_default() += group["records"].as_u64().unwrap();
        }
        *fates.entry("kept".to_owned()).or_default() += page["kept"].as_u64().unwrap();
        for record in page["records"].as_array().unwrap() {
            let mut record = record.clone();
            record["since"].take();
            records.push(record);
        }
        from = page["next"].as_u64().unwrap();
        if page["done"] == true {
            return (fates, records);
        }
    }
    panic!("pages that do not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_and_its_explanation_agree_and_a_hold_changes_both() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let said = world.say(&room, "dan", CANARY).await;
    world.say(&room, "dan", "another").await;
    let other = world.room("eve").await;
    world.say(&other, "eve", "elsewhere").await;
    let id = said.event_id.as_str().replace('$', "%24");
    let explain = format!("/policies/explain?event_id={id}");

    let kept = world.get("otto", &explain).await.ok();
    assert_eq!((&kept["fate"], &kept["decided_by"]["rule"]), (&json!("keep"), &json!("no_limit")));
    let body = json!({ "document": DOCUMENT, "based_on": 0, "reason": "because" });
    world.post("ann", "/policies", &body).await.ok();
    assert_eq!(plan(&world, 1_000).await.1, [Value::Null; 0]);
    world.pass_days(2);
    world.say(&room, "dan", "fresh").await;

    let (fates, records) = plan(&world, 1_000).await;
    assert_eq!((fates.get("destroy"), fates.get("restricted")), (Some(&3), None), "{records:?}");
    assert!(records.iter().all(|record| record["kind"] == "messages"));
    let (mut one_by_one, again) = plan(&world, 1).await;
    // What is looked at is recorded, and such records are kept.
    one_by_one.insert("kept".to_owned(), fates["kept"]);
    assert_eq!((one_by_one, &again), (fates, &records), "pages of one and of all");
    assert_eq!(plan(&world, 7).await.1, records);
    let shown = world.get("otto", &explain).await;
    assert!(!shown.text.contains(CANARY), "no content");
    let shown = shown.ok();
    assert_eq!((&shown["fate"], &shown["extent"]), (&json!("destroy"), &json!("whole")));
    assert_eq!(shown["decided_by"]["name"], "brief");
    let rules: Vec<&str> =
        shown["grounds"].as_array().unwrap().iter().map(|g| g["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["ceiling", "floor"]);
    let planned = records.iter().find(|record| record["position"] == shown["position"]).unwrap();
    assert_eq!(planned["decided_by"], shown["decided_by"]["text"]);

    let hold = json!({ "matter": "inquiry", "parts": [{ "rooms": [room] }], "reason": "x" });
    let hold = world.post("ann", "/holds", &hold).await.ok()["hold"].clone();
    let (fates, _) = plan(&world, 1_000).await;
    assert_eq!((fates.get("destroy"), fates.get("restricted")), (Some(&1), Some(&2)));
    let shown = world.get("otto", &explain).await.ok();
    assert_eq!(shown["fate"], "restricted");
    assert_eq!(
        (&shown["decided_by"]["rule"], &shown["decided_by"]["name"]),
        (&json!("hold"), &hold)
    );
    assert!(shown["text"].as_str().unwrap().contains("inquiry"), "{shown}");

    let unknown = world.get("otto", "/policies/explain?event_id=%24nothing").await;
    assert_eq!(code(&unknown), no(404, "M_NOT_FOUND"));
    assert_eq!(code(&world.get("dan", &explain).await), no(403, "M_FORBIDDEN"));
    let none = world.get("otto", "/policies/plan?limit=0").await;
    assert_eq!(code(&none), no(400, "M_INVALID_PARAM"));
}
