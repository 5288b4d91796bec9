//! The audit trail over HTTP: its order, its pages, what is asked for, and that each look is in it.

use std::sync::atomic::Ordering;

use facts::Fact;
use serde_json::Value;

use crate::world::{DAY, World};

fn entries(page: &Value) -> &[Value] {
    page["entries"].as_array().unwrap()
}

fn kinds(page: &Value) -> Vec<&str> {
    entries(page).iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_governance_are_one_trail_in_order_of_the_log() {
    let world = World::new().await;
    let whole = world.get("otto", "/audit?limit=1000").await.ok();
    assert_eq!(whole["done"], true);
    let told = kinds(&whole);
    assert_eq!(told[..7], ["administration_recorded"; 7], "seven accounts");
    let of_governance = ["roles_bootstrapped", "role_requested", "role_approved"];
    assert_eq!(told[7..10], of_governance);
    assert_eq!(told[10..], ["role_requested", "role_approved", "staff_record_read"]);
    let asked = &entries(&whole)[8];
    assert_eq!(asked["actor"], "@ann:example.org");
    assert_eq!(asked["subject"], "@cleo:example.org");
    assert_eq!(asked["reason"], "because");
    let look = entries(&whole).last().unwrap();
    assert_eq!(look["actor"], "@otto:example.org", "the look itself is in the trail");
    assert_eq!(look["address"], "192.0.2.1");
    assert!(look["details"]["record"]["audit_trail"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_read_in_pages_without_gaps() {
    let world = World::new().await;
    let (mut from, mut positions) = (0, Vec::new());
    loop {
        let page = world.get("ann", &format!("/audit?limit=3&from={from}")).await.ok();
        assert!(entries(&page).len() <= 3);
        positions.extend(entries(&page).iter().map(|entry| entry["position"].as_u64().unwrap()));
        from = page["next"].as_u64().unwrap();
        if page["done"] == true {
            break;
        }
    }
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    let whole = world.get("otto", "/audit?limit=1000").await.ok();
    let whole: Vec<u64> =
        entries(&whole).iter().map(|entry| entry["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, whole[..whole.len() - 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_whose_pages_are_recorded_ends() {
    let world = World::new().await;
    let first = world.get("ann", "/audit?limit=1").await.ok();
    let (mut from, last) = (first["next"].as_u64().unwrap(), first["last"].as_u64().unwrap());
    for _ in 0..100 {
        let path = format!("/audit?limit=1&from={from}&last={last}");
        let page = world.get("ann", &path).await.ok();
        assert!(entries(&page).iter().all(|entry| entry["position"].as_u64() <= Some(last)));
        if page["done"] == true {
            return;
        }
        from = page["next"].as_u64().unwrap();
    }
    panic!("each page brings an entry of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn kind_person_and_time_are_asked_for() {
    let world = World::new().await;
    let approved = world.get("otto", "/audit?kind=role_approved").await.ok();
    assert_eq!(kinds(&approved), ["role_approved"; 2]);
    let cleo = world.get("otto", "/audit?user=%40cleo%3Aexample.org").await.ok();
    assert_eq!(kinds(&cleo), ["administration_recorded", "role_requested"]);
    let later = format!("/audit?since={}", world.now() + DAY);
    assert!(entries(&world.get("otto", &later).await.ok()).is_empty());
    let earlier = format!("/audit?kind=role_approved&since={}", world.now() - DAY);
    assert_eq!(entries(&world.get("otto", &earlier).await.ok()).len(), 2);

    let wrong = world.get("otto", "/audit?kind=pdu_stored").await;
    assert_eq!(wrong.status.as_u16(), 400);
    assert!(wrong.text.contains("login_recorded"), "{}", wrong.text);
    for path in ["/audit?limit=0", "/audit?room=x"] {
        assert_eq!(world.get("otto", path).await.status.as_u16(), 400, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_role_sees_nothing_and_leaves_nothing() {
    let world = World::new().await;
    let before = world.failing.log.head().next();
    for token in ["eve", "admin", "bot-ann"] {
        assert_eq!(world.get(token, "/audit").await.status.as_u16(), 403, "{token}");
    }
    let looks = world.facts(before);
    assert!(!looks.iter().any(|(_, fact)| matches!(fact, Fact::StaffRecordRead(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_is_not_durable_opens_nothing() {
    let world = World::new().await;
    world.failing.opened.store(0, Ordering::SeqCst);
    world.failing.disk_is_gone.store(true, Ordering::SeqCst);
    let answer = world.get("otto", "/audit").await;
    assert_eq!(answer.status.as_u16(), 503, "{answer:?}");
    assert_eq!(world.failing.opened.load(Ordering::SeqCst), 0, "nothing was read");
}
