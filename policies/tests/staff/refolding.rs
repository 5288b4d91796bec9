//! The fold of an erased person is what a replay of the log gives, and holds nothing of what the
//! person chose.

use commands::user::{look, set_account_data, set_profile_field};
use decide::user::{AccountDataKey, UserFold};
use facts::fact::Role;
use serde_json::json;

use crate::{
    destroying::run,
    world::{Place, World, user},
};

async fn fold(world: &World) -> UserFold {
    look(&world.ws, &user("dan"), UserFold::clone).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_persons_fold_is_what_a_replay_gives() {
    let dir = tempfile::tempdir().unwrap();
    let at = |begins| Place::at(dir.path().to_owned(), begins);
    let world = World::open(at(1_700_000_000_000)).await;
    world.people().await;
    world.grant(Role::DataProtectionOfficer, "cleo").await;
    let dan = user("dan");
    let room = world.room("ann").await;
    world.join(&room, "dan").await;
    for number in 0..3 {
        let key = AccountDataKey { room: None, data_type: format!("org.example.{number}") };
        set_account_data(&world.ws, &dan, &key, Some("{}")).await.unwrap();
    }
    set_profile_field(&world.ws, &dan, "displayname", Some(&json!("Dan"))).await.unwrap();
    // On disk as well as in memory.
    world.ws.flush().await.unwrap();
    assert_eq!(fold(&world).await.account_data.len(), 3);
    let asked = json!({ "user": "@dan:example.org", "reason": "letter" });
    world.post("cleo", "/erasures", &asked).await.ok();
    assert!(run(&world).await.receipt.is_some());
    let live = fold(&world).await;
    assert!(live.account_data.is_empty() && live.profile.is_empty(), "{live:?}");
    world.close().await;

    let kept = World::open(Place { seed: 8, ..at(1_700_100_000_000) }).await;
    assert_eq!(fold(&kept).await, live, "as it was saved");
    kept.close().await;
    std::fs::remove_dir_all(dir.path().join("folds")).unwrap();
    let rebuilt = World::open(Place { seed: 9, ..at(1_700_200_000_000) }).await;
    assert_eq!(fold(&rebuilt).await, live, "as a replay gives it");
    // What came later is decided on it.
    rebuilt.say(&room, "ann", "and on").await;
}
