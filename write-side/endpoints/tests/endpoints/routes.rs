//! What is served.

use ruma::api::{Metadata as _, client::membership::ban_user, path_builder::PathBuilder as _};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_listed_once_and_has_ruma_s_paths() {
    let world = World::new().await;
    let served = write_endpoints::served(&world.state);
    let mut once = served.clone();
    once.dedup();
    assert_eq!(once, served);
    for path in ban_user::v3::Request::PATH_BUILDER.all_paths() {
        assert!(served.iter().any(|route| route.path == path));
    }
    let lines: Vec<String> = served
        .iter()
        .filter(|route| !route.path.contains("/r0/") && !route.path.contains("/unstable/"))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_secret_s_endpoint_exists_only_with_a_secret() {
    let has_it = |world: &World| {
        let served = write_endpoints::served(&world.state);
        served.iter().any(|route| route.path.starts_with("/_synapse"))
    };
    assert!(!has_it(&World::new().await));
    assert!(has_it(
        &World::with(|settings| settings.shared_secret = Some(b"secret".to_vec())).await
    ));
}
