//! Taking media in.

use axum::body::Body;
use http::Request;
use serde_json::json;

use crate::world::{Answered, Person, UPLOAD_MAX, World, refusal};

async fn upload(
    world: &World,
    person: &Person,
    method: &str,
    path: &str,
    bytes: Vec<u8>,
) -> Answered {
    let request = Request::builder()
        .method(method)
        .uri(format!("/_matrix/media/v3/upload{path}"))
        .header("authorization", format!("Bearer {}", person.token))
        .header("content-type", "image/png")
        .body(Body::from(bytes))
        .unwrap();
    world.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_gets_an_address() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let answer = upload(&world, &alice, "POST", "?filename=cat.png", vec![7; 500]).await.ok();
    let uri = answer["content_uri"].as_str().unwrap();
    assert!(uri.starts_with("mxc://example.org/"), "{uri}");
    let large = upload(&world, &alice, "POST", "", vec![7; UPLOAD_MAX + 1]).await;
    assert_eq!(large.refused(), refusal(413, "M_TOO_LARGE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_address_is_filled_once_by_whoever_reserved_it() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    let path = "/_matrix/media/v1/create";
    let reserved = world.by(&alice, "POST", path, json!({})).await.ok();
    assert!(reserved["unused_expires_at"].is_u64());
    let uri = reserved["content_uri"].as_str().unwrap();
    let path = uri.strip_prefix("mxc:/").unwrap();
    let media_id = path.rsplit('/').next().unwrap();
    world.is_media(&alice, media_id, false);
    let not_bobs = upload(&world, &bob, "PUT", path, vec![1]).await.refused();
    assert_eq!(not_bobs, refusal(403, "M_FORBIDDEN"));
    upload(&world, &alice, "PUT", path, vec![1]).await.ok();
    let twice = upload(&world, &alice, "PUT", path, vec![2]).await.refused();
    assert_eq!(twice, refusal(409, "M_CANNOT_OVERWRITE_MEDIA"));
    let foreign = upload(&world, &alice, "PUT", "/elsewhere.org/x", vec![1]).await;
    assert_eq!(foreign.refused(), refusal(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_person_has_no_reservation_of_says_why() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    let bob = world.person("bob").await;
    world.is_media(&alice, "expired", false);
    world.is_media(&alice, "full", true);
    let put = async |person, id: &str| {
        upload(&world, person, "PUT", &format!("/example.org/{id}"), vec![1]).await.refused()
    };
    assert_eq!(put(&alice, "expired").await, refusal(404, "M_NOT_FOUND"));
    assert_eq!(put(&alice, "never").await, refusal(404, "M_NOT_FOUND"));
    assert_eq!(put(&alice, "full").await, refusal(409, "M_CANNOT_OVERWRITE_MEDIA"));
    assert_eq!(put(&bob, "full").await, refusal(403, "M_FORBIDDEN"));
}
