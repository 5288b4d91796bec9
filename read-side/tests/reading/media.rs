//! Downloads and thumbnails.

use std::io::Cursor;

use facts::{
    Timestamp,
    fact::{MediaReserved, MediaStored},
};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::world::{NOW, World, refused};

fn store(world: &World, id: &str, content_type: &str, name: Option<&str>, bytes: Vec<u8>) {
    world.own(
        "alice",
        MediaStored {
            media_id: id.to_owned(),
            blob: format!("blob-{id}"),
            blob_key: [1; 32],
            bytes: bytes.len() as u64,
            sha256: [2; 32],
            content_type: Some(content_type.to_owned()),
            file_name: name.map(str::to_owned),
        },
    );
    world.blob(&format!("blob-{id}"), bytes);
}

fn png() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(400, 200).write_to(&mut bytes, ImageFormat::Png).expect("an image");
    bytes.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn content_comes_with_headers_that_keep_it_harmless() {
    let world = World::with(&["alice"]);
    store(&world, "cat", "image/png", Some("cat.png"), b"meow".to_vec());
    store(&world, "page", "text/html", None, b"<script>".to_vec());
    let cat = world.get("alice", "/v1/media/download/here.test/cat").await;
    assert_eq!((cat.status.as_u16(), &cat.bytes[..]), (200, &b"meow"[..]));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline; filename=cat.png"),
        ("content-length", "4"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(cat.headers[name], value);
    }
    let policy = cat.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("sandbox; default-src 'none'"), "{policy}");
    let page = world.get("alice", "/v1/media/download/here.test/page").await;
    assert_eq!(page.headers["content-disposition"], "attachment");
    let named = world.get("alice", "/v1/media/download/here.test/page/other.html").await;
    assert_eq!(named.headers["content-disposition"], "attachment; filename=other.html");
    let anonymous = world.get("", "/v1/media/download/here.test/cat").await;
    assert_eq!(anonymous.refusal(), refused(401, "M_MISSING_TOKEN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_not_there_yet() {
    let world = World::with(&["alice"]);
    let reserve = |id: &str, until| {
        let media_id = id.to_owned();
        world.own("alice", MediaReserved { media_id, expires_at: Timestamp(until) });
    };
    reserve("soon", NOW + 1);
    reserve("late", NOW);
    store(&world, "lost", "text/plain", None, Vec::new());
    world.own(
        "alice",
        MediaStored {
            media_id: "lost".to_owned(),
            blob: "nowhere".to_owned(),
            blob_key: [1; 32],
            bytes: 3,
            sha256: [2; 32],
            content_type: None,
            file_name: None,
        },
    );
    for kind in ["download", "thumbnail"] {
        let path = |of: &str| format!("/v1/media/{kind}/{of}?timeout_ms=0&width=9&height=9");
        let soon = world.get("alice", &path("here.test/soon")).await;
        assert_eq!(soon.refusal(), refused(504, "M_NOT_YET_UPLOADED"), "{kind}");
        for of in ["here.test/late", "here.test/none", "there.test/soon", "here.test/lost"] {
            let none = world.get("alice", &path(of)).await;
            assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"), "{kind} {of}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_waits_for_its_upload() {
    let world = World::with(&["alice"]);
    let media_id = "soon".to_owned();
    world.own("alice", MediaReserved { media_id, expires_at: Timestamp(NOW + 1) });
    let waiting = world.get("alice", "/v1/media/download/here.test/soon?timeout_ms=20000");
    let upload = async { store(&world, "soon", "text/plain", None, b"here".to_vec()) };
    let (answer, ()) = tokio::join!(waiting, upload);
    assert_eq!(&answer.bytes[..], b"here");
}

#[tokio::test(flavor = "multi_thread")]
async fn thumbnails_of_images_alone() {
    let world = World::with(&["alice"]);
    store(&world, "wide", "image/png", None, png());
    store(&world, "text", "image/png", None, b"no image".to_vec());
    let path = "/v1/media/thumbnail/here.test/wide?width=30&height=30";
    for (method, size) in [("crop", (32, 32)), ("scale", (320, 160))] {
        let answer = world.get("alice", &format!("{path}&method={method}")).await;
        assert_eq!(answer.headers["content-type"], "image/jpeg");
        assert_eq!(answer.headers["content-disposition"], "inline");
        let image = image::load_from_memory(&answer.bytes).expect("an image");
        assert_eq!((image.width(), image.height()), size, "{method}");
    }
    for path in ["here.test/text?width=30&height=30", "here.test/wide?width=0&height=30"] {
        let none = world.get("alice", &format!("/v1/media/thumbnail/{path}")).await;
        assert_eq!(none.refusal(), refused(400, "M_UNKNOWN"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_under_both_paths() {
    let world = World::with(&["alice"]);
    for path in ["/_matrix/client/v1/media/config", "/_matrix/media/v3/config"] {
        let config = world.call("GET", "alice", path, Value::Null).await.ok();
        assert_eq!(config, json!({"m.upload.size": 5_000_000}), "{path}");
    }
}
