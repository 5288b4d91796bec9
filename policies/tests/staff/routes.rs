//! Every route of the staff: none gives content away without an approved case.

use std::collections::BTreeSet;

use policies::staff_routes;
use serde_json::{Value, json};

use crate::world::{DAY, World};

const CANARY: &str = "canaryqzx";

/// Every route of the staff that this test reaches.
const LISTED: &[&str] = &[
    "GET /roles",
    "POST /roles/requests",
    "POST /roles/requests/{request}/approve",
    "POST /roles/requests/{request}/reject",
    "POST /roles/revoke",
    "POST /roles/restore",
    "GET /cases",
    "POST /cases",
    "GET /cases/{case}",
    "POST /cases/{case}/approve",
    "POST /cases/{case}/reject",
    "POST /cases/{case}/close",
    "GET /cases/{case}/events",
    "GET /cases/{case}/accesses",
    "GET /audit",
    "GET /policies",
    "POST /policies",
    "GET /policies/history",
    "GET /policies/explain",
    "GET /policies/plan",
    "POST /policies/run",
    "GET /policies/run",
    "GET /policies/receipts",
    "GET /holds",
    "POST /holds",
    "GET /holds/{hold}",
    "POST /holds/{hold}/widen",
    "POST /holds/{hold}/release",
    "POST /holds/{hold}/notified",
    "POST /holds/releases/{request}/approve",
    "POST /holds/releases/{request}/reject",
    "GET /erasures",
    "POST /erasures",
    "POST /erasures/{request}/withdraw",
    "POST /cases/{case}/exports",
    "GET /cases/{case}/exports",
    "GET /cases/{case}/exports/{export}",
    "GET /cases/{case}/exports/{export}/entries",
    "GET /cases/{case}/exports/{export}/media/{media}",
    "POST /cases/{case}/exports/{export}/seal",
];

/// A body that is good for any route that takes one.
pub(crate) fn bodies(room: &str, expires_at: u64) -> Vec<Value> {
    vec![
        json!({ "reason": CANARY.to_uppercase() }),
        json!({ "role": "auditor", "user": "@dan:example.org", "reason": "because" }),
        json!({ "rooms": [room], "expires_at": expires_at, "reason": "because" }),
        json!({ "matter": "m", "parts": [{ "rooms": [room] }], "reason": "because" }),
        json!({ "parts": [{ "rooms": [room] }], "reason": "because" }),
        json!({ "user": "@dan:example.org", "reason": "because" }),
        json!({ "users": ["@dan:example.org"], "reason": "because" }),
        json!({ "document": "", "based_on": 0, "reason": "because" }),
        json!({ "format": "jsonl" }),
        json!({ "files_sha256": "00", "files": 1, "bytes": 1, "missing_media": [] }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_serves_content_without_an_approved_case() {
    let world = World::new().await;
    let room = world.room("dan").await;
    let said = world.say(&room, "dan", CANARY).await;
    let scope = || json!({ "rooms": [room] });
    let pending = world.open_case(scope()).await;
    let rejected = world.open_case(scope()).await;
    world.decide("ben", "reject", rejected).await.ok();
    let closed = world.case(scope()).await;
    world.decide("ben", "close", closed).await.ok();
    let expired = world.case(scope()).await;
    world.pass_days(31);
    let pending_now = world.open_case(scope()).await;
    let in_force = world.case(scope()).await;
    let numbers = [0, 1, pending, rejected, closed, expired, pending_now, 1 << 62];
    let routes = staff_routes();
    let served: BTreeSet<String> =
        routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let listed: BTreeSet<String> = LISTED.iter().map(|&route| route.to_owned()).collect();
    assert_eq!(served, listed, "a new route of the staff: see that this test reaches it");

    for route in &routes {
        // Whoever is not named on the case in force gets nothing of it either.
        for token in ["", "admin", "dan", "eve", "otto", "cleo", "bot-ann", "ann", "ben"] {
            let named = token == "ann" || token == "ben";
            let others: &[u64] = if named { &[] } else { &[in_force] };
            for number in numbers.iter().chain(others) {
                // Ben would approve what waits; that is another test.
                if route.method == "POST" && token == "ben" {
                    continue;
                }
                let number = number.to_string();
                let mut path = route.path.to_owned();
                for variable in ["{case}", "{request}", "{hold}", "{export}", "{media}"] {
                    path = path.replace(variable, &number);
                }
                if path.ends_with("/explain") {
                    path.push_str("?event_id=");
                    path.push_str(&said.event_id.as_str().replace('$', "%24"));
                }
                let bodies = match route.method {
                    "GET" => vec![Value::Null],
                    _ => bodies(room.as_str(), world.now() + DAY),
                };
                for body in bodies {
                    let answer = world.call(route.method, token, &path, &body).await;
                    let told = format!("{token} {} {path}: {answer:?}", route.method);
                    assert!(!answer.text.contains(CANARY), "{told}");
                    assert!(!answer.status.is_server_error(), "{told}");
                    let content =
                        route.path.ends_with("/events") || route.path.contains("{export}/");
                    assert!(!content || answer.status.is_client_error(), "{told}");
                }
            }
        }
    }
    // The same question is answered to the two who are named: the canary is there to be found.
    let case = world.case(scope()).await;
    let answer = world.get("ann", &format!("/cases/{case}/events")).await;
    assert!(answer.text.contains(CANARY));
}
