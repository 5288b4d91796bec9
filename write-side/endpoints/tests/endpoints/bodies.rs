//! Whose bodies are read, and for how long.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use http::Request;
use http_body_util::{BodyExt as _, Full};

use crate::world::{Person, World, refusal};

fn request(method: &str, path: &str, token: &str, body: Body) -> Request<Body> {
    let builder = Request::builder().method(method).uri(path);
    builder.header("authorization", format!("Bearer {token}")).body(body).unwrap()
}

/// Whether a request with this token has its body read.
async fn reads(world: &World, method: &str, path: &str, token: &str) -> bool {
    let read = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&read);
    let body = Full::new(Bytes::from_static(b"{}")).map_frame(move |frame| {
        note.store(true, Ordering::Relaxed);
        frame
    });
    world.send(request(method, path, token, Body::new(body))).await;
    read.load(Ordering::Relaxed)
}

/// One endpoint for each way in which a body is taken.
fn paths(person: &Person) -> [(&'static str, String); 4] {
    let user = &person.user_id;
    [
        ("PUT", format!("/_matrix/client/v3/profile/{user}/displayname")),
        ("POST", "/_matrix/client/v3/delete_devices".to_owned()),
        ("POST", format!("/_matrix/client/v3/user/{user}/filter")),
        ("POST", "/_matrix/media/v3/upload".to_owned()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_is_read_before_its_token_is_good() {
    let world = World::new().await;
    let alice = world.person("alice").await;
    for (method, path) in paths(&alice) {
        assert!(reads(&world, method, &path, &alice.token).await, "{path} reads no body");
        assert!(!reads(&world, method, &path, "wrong").await, "{path} reads anybody's body");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_stop_are_given_up() {
    let world = World::impatient().await;
    let alice = world.person("alice").await;
    for (method, path) in paths(&alice) {
        let beginning = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{"))]);
        let body = Body::from_stream(beginning.chain(stream::pending()));
        let answer = world.send(request(method, &path, &alice.token, body)).await;
        assert_eq!(answer.refused(), refusal(408, "M_UNKNOWN"), "{path}");
    }
    assert_eq!(world.media_files(), 0, "half an upload was left behind");
}
