//! Policies, holds and erasure on a real log: restarts, four eyes, and the fence of destroying.

use std::sync::Arc;

use commands::{
    CommandError, WriteSide,
    audit::By,
    governance::{
        Actor, HoldPartWish, apply_policy, approve_release, approve_role, bootstrap_roles,
        in_force, place_hold, request_erasure, request_release, request_role,
    },
    user::{self as users, Passwords, RegisterRequest},
};
use decide::{
    governance::{ApplyPolicy, ErasureRefusal, GovernanceRefusal, HoldRefusal, PolicyRefusal},
    policy::{Fate, Record, fate},
};
use event_log::{AppendRefusal, Scavenging, ShredError, ShredRequest};
use facts::{
    Timestamp,
    fact::{
        AccountKind, HoldExtent, Period, PolicyDocument, PolicyRule, RecordKind, Role, ShredCause,
    },
};

use crate::stage::{Stage, user};

fn who(name: &str) -> Actor {
    Actor { user: user(name), address: None }
}

/// Ann and Ben are compliance officers, Dan is nobody.
async fn house(ws: &WriteSide) {
    for name in ["ann", "ben", "dan"] {
        let request = RegisterRequest {
            user: &user(name),
            kind: AccountKind::User,
            password: None,
            admin: false,
            display_name: None,
            log_in: None,
            registration_token: None,
            reserved: false,
            by: &By::operator(),
        };
        users::register(ws, &Passwords::new(1), request).await.unwrap();
    }
    bootstrap_roles(ws, &[user("ann"), user("ben")]).await.unwrap();
}

fn on(name: &str) -> Vec<HoldPartWish> {
    vec![HoldPartWish { users: vec![user(name)], ..HoldPartWish::default() }]
}

fn month() -> ApplyPolicy {
    let rule = PolicyRule {
        records: [RecordKind::Messages].into(),
        keep_at_most: Some(Period::days(30)),
        ..PolicyRule::default()
    };
    let policies = [("month".to_owned(), rule)].into();
    let document = PolicyDocument { policies, ..PolicyDocument::default() };
    ApplyPolicy { text: "month".to_owned(), document, based_on: 0 }
}

/// What becomes of a message of Dan's when it is old.
async fn old_message(ws: &WriteSide) -> Fate {
    let fenced = in_force(ws).await.unwrap();
    let dan = user("dan");
    let record = Record {
        owner: Some(dan.as_str()),
        personal: true,
        ..Record::new(RecordKind::Messages, Timestamp(0))
    };
    fate(&record, &fenced.in_force.rules(), ws.now())
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_and_holds_outlive_restarts_and_lost_folds() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    house(&ws).await;
    let refused = apply_policy(&ws, &who("dan"), &month(), "mine").await.unwrap_err();
    assert!(matches!(refused, CommandError::Refusal(PolicyRefusal::NotCompliance)));
    assert_eq!(old_message(&ws).await, Fate::Keep { until: None });
    apply_policy(&ws, &who("ann"), &month(), "GDPR 5(1)(e)").await.unwrap();
    assert!(matches!(old_message(&ws).await, Fate::Destroy { .. }));
    let hold = place_hold(&ws, &who("ann"), "Doe", &on("dan"), None, "suit").await.unwrap();
    assert!(matches!(old_message(&ws).await, Fate::Restricted { until: None, .. }));
    // Without a flush, and without the folds: the next start replays.
    drop(ws);
    std::fs::remove_dir_all(stage.path().join("folds")).unwrap();
    let ws = stage.open().await;
    assert!(matches!(old_message(&ws).await, Fate::Restricted { until: None, .. }));
    let whole = HoldExtent::Whole;
    let request = request_release(&ws, &who("ann"), hold, &whole, "settled").await.unwrap();
    let own = approve_release(&ws, &who("ann"), request, "settled").await.unwrap_err();
    assert!(matches!(own, CommandError::Refusal(HoldRefusal::OwnRequest)));
    assert!(matches!(old_message(&ws).await, Fate::Restricted { .. }));
    approve_release(&ws, &who("ben"), request, "agreed").await.unwrap();
    assert!(matches!(old_message(&ws).await, Fate::Destroy { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_decided_before_a_hold_is_refused_by_the_log() {
    let mut stage = Stage::new();
    let log = stage.log();
    let ws = WriteSide::open(stage.parts(Arc::clone(&log) as _)).await.unwrap();
    house(&ws).await;
    let order = |expects| {
        let log = Arc::clone(&log);
        let (ranges, cause) = (Vec::new(), ShredCause::Retention);
        let request =
            ShredRequest { ranges, cause, expects: vec![expects], scavenging: Scavenging::Closed };
        tokio::task::spawn_blocking(move || log.order_shred(request, |_| Vec::new()))
    };
    let before = in_force(&ws).await.unwrap();
    place_hold(&ws, &who("ben"), "Doe", &on("dan"), None, "suit").await.unwrap();
    let late = order(before.expects()).await.unwrap().unwrap_err();
    assert!(matches!(late, ShredError::Refused(AppendRefusal::RevisionMoved { .. })), "{late:?}");
    let after = in_force(&ws).await.unwrap();
    order(after.expects()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_act_does_not_learn_who_is_known() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    house(&ws).await;
    let placed = place_hold(&ws, &who("dan"), "Doe", &on("zoe"), None, "mine").await.unwrap_err();
    assert!(matches!(placed, CommandError::Refusal(HoldRefusal::NotForHolds)));
    let unknown = place_hold(&ws, &who("ann"), "Doe", &on("zoe"), None, "suit").await.unwrap_err();
    let expected = HoldRefusal::Governance(GovernanceRefusal::UnknownScopeUser(user("zoe").into()));
    assert!(matches!(unknown, CommandError::Refusal(refusal) if refusal == expected));
    let erased = request_erasure(&ws, &who("ann"), &user("zoe"), "asked").await.unwrap_err();
    assert!(matches!(erased, CommandError::Refusal(ErasureRefusal::NotDataProtection)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_restricts_at_once_and_waits_for_a_hold() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    house(&ws).await;
    let role = Role::DataProtectionOfficer;
    let asked = request_role(&ws, &who("ann"), role, &user("dan"), "duty").await.unwrap();
    approve_role(&ws, &who("ben"), asked, "agreed").await.unwrap();
    place_hold(&ws, &who("ann"), "Doe", &on("dan"), None, "suit").await.unwrap();
    request_erasure(&ws, &who("dan"), &user("dan"), "GDPR 17").await.unwrap();
    assert!(matches!(old_message(&ws).await, Fate::Restricted { until: None, .. }));
}
