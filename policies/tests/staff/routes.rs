//! Every route of the staff: none gives content away without an approved case.

use policies::staff_routes;
use serde_json::{Value, json};

use crate::world::{DAY, World};

const CANARY: &str = "canaryqzx";

/// A body that is good for any route that takes one.
fn bodies(room: &str, expires_at: u64) -> Vec<Value> {
    vec![
        json!({ "reason": CANARY.to_uppercase() }),
        json!({ "role": "auditor", "user": "@dan:example.org", "reason": "because" }),
        json!({ "rooms": [room], "expires_at": expires_at, "reason": "because" }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_serves_content_without_an_approved_case() {
    let world = World::new().await;
    let room = world.room("dan").await;
    world.say(&room, "dan", CANARY).await;
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
    assert_eq!(routes.len(), 13, "a new route of the staff: see that this test reaches it");

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
                let path = route.path.replace("{case}", &number).replace("{request}", &number);
                let bodies = match route.method {
                    "GET" => vec![Value::Null],
                    _ => bodies(room.as_str(), world.now() + DAY),
                };
                for body in bodies {
                    let answer = world.call(route.method, token, &path, &body).await;
                    let told = format!("{token} {} {path}: {answer:?}", route.method);
                    assert!(!answer.text.contains(CANARY), "{told}");
                    assert!(!answer.status.is_server_error(), "{told}");
                    let content = route.path.ends_with("/events");
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
