//! Backups in an S3-compatible store with Object Lock: a real one that enforces it, and some that
//! time out, refuse and lie.
//!
//! The real ones are versitygw and `MinIO` (`tests/run.sh` installs them); `CHANCERY_WITHOUT_S3=1` and
//! `CHANCERY_WITHOUT_MINIO=1` leave out what needs them.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/object_store.rs"]
mod object_store;
#[path = "support/s3_proxy.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod s3_proxy;

use std::{
    path::{Path, PathBuf},
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    primitives::{ByteStream, DateTime},
    types::ObjectLockLegalHoldStatus,
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt as _, stream};
use harness::{matrix_client::MatrixClient, server::Server, two_in_a_room};
use http::{Method, StatusCode};
use object_store::{Make, ObjectStore, section};
use s3_proxy::{Fault, S3Proxy};
use serde_json::{Value, json};
use tempfile::TempDir;

const BUCKET: &str = "records";
const PLACE: &str = "s3://records/chancery";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn backup(server: &Server, to: &str, keys: &Path) -> Result<Output> {
    let keys = keys.to_str().context("a plain name")?;
    server.command(&["backup", "--to", to, "--keyring-to", keys, "--json"]).await
}

async fn backed_up(server: &Server, to: &str, keys: &Path) -> Result<Value> {
    let output = backup(server, to, keys).await?;
    ensure!(output.status.success(), "{}", said(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn restore(server: &Server, from: &str, keys: &Path, to: &Path) -> Result<Value> {
    let (keys, to) = (keys.to_str().context("plain")?, to.to_str().context("plain")?);
    let line =
        ["restore", "--from", from, "--keyring-from", keys, "--to", to, "--orders-from", from];
    let output = server.command(&[&line[..], &["--yes", "--json"]].concat()).await?;
    ensure!(output.status.success(), "{}", said(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn talk(server: &Server) -> Result<(MatrixClient, String)> {
    let options = json!({ "preset": "public_chat" });
    let (mut alice, _, room) = two_in_a_room(server, &options).await?;
    alice.upload("text/plain", b"minutes of a meeting").await?;
    alice.send_text(&room, "said").await?;
    Ok((alice, room))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_in_a_locked_bucket_cannot_be_removed_and_is_restored() -> Result<()> {
    for make in Make::all() {
        locked_and_restored(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

async fn locked_and_restored(make: Make) -> Result<()> {
    let store = ObjectStore::start(make).await?;
    store.bucket(BUCKET, true).await?;
    let server = Server::start_with(&store.config()?).await?;
    let here = TempDir::with_prefix("chancery-offsite-")?;
    let keys = here.path().join("keys");
    let (mut alice, room) = talk(&server).await?;
    let first = backed_up(&server, PLACE, &keys).await?;
    ensure!(first["log"]["copied"].as_u64() >= Some(2), "{first}");
    alice.send_text(&room, "said later").await?;
    let second = backed_up(&server, PLACE, &keys).await?;
    ensure!(second["log"]["copied"] == 1, "the open segment alone: {second}");
    let all = store.versions(BUCKET, "").await?;
    ensure!(all.len() >= 5, "two manifests, two segments, a file: {all:?}");
    for (key, version) in &all {
        store.cannot_be_removed(BUCKET, key, version).await?;
    }

    locked_for_longer(&server, &store, &keys).await?;

    // What can be done there: hiding objects, and writing over them. Both are seen through.
    for (key, _) in &all {
        store.client.delete_object().bucket(BUCKET).key(key).send().await?;
    }
    let over = "chancery/manifest.jsonl";
    let rubbish = ByteStream::from_static(b"rubbish");
    let put = store.client.put_object().bucket(BUCKET).key(over).body(rubbish).send().await?;
    let restored = here.path().join("restored");
    let report = restore(&server, PLACE, &keys, &restored).await?;
    let (kept, head) = (report["kept_through"].as_u64(), second["log"]["head"].as_u64());
    ensure!(head.is_some() && kept >= head, "{report}");
    ensure!(report["media"] == 1 && report["left_out"] == 0, "{report}");
    let report = event_log::verify(&restored.join("log").join("segments"), None)?;
    ensure!(report.ok, "{report:?}");
    // What nobody locked can be deleted: it is the lock that refuses.
    let unlocked = store.client.delete_object().bucket(BUCKET).key(over);
    unlocked.set_version_id(put.version_id).send().await?;
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_goes_up_in_parts_and_is_locked_and_restored_as_one() -> Result<()> {
    for make in Make::all() {
        in_parts(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

async fn in_parts(make: Make) -> Result<()> {
    let store = ObjectStore::start(make).await?;
    store.bucket(BUCKET, true).await?;
    let server = Server::start_with(&format!("{}part_mebibytes = 5\n", store.config()?)).await?;
    let here = TempDir::with_prefix("chancery-offsite-")?;
    let keys = here.path().join("keys");
    let (alice, _) = talk(&server).await?;
    let large: Vec<u8> = (0..12 * 1024 * 1024_u32).map(|at| (at % 251) as u8).collect();
    alice.upload("application/octet-stream", &large).await?;
    backed_up(&server, PLACE, &keys).await?;
    let again = backed_up(&server, PLACE, &keys).await?;
    ensure!(again["log"]["copied"] == 0, "the whole was found there: {again}");

    let folder = "chancery/media/";
    let files = store.client.list_objects_v2().bucket(BUCKET).prefix(folder).send().await?;
    let large = files.contents().iter().find(|file| file.size() > Some(12 * 1024 * 1024));
    let key = large.and_then(|file| file.key()).context("the large file is there")?;
    let looked = store.client.head_object().bucket(BUCKET).key(key).part_number(1).send().await?;
    ensure!(looked.parts_count == Some(3), "{looked:?}");
    for (key, version) in store.versions(BUCKET, folder).await? {
        store.cannot_be_removed(BUCKET, &key, &version).await?;
    }
    let restored = here.path().join("restored");
    let report = restore(&server, PLACE, &keys, &restored).await?;
    ensure!(report["media"] == 2 && report["left_out"] == 0, "{report}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hides_a_manifest_hides_it_from_nobody_however_often_it_was_done() -> Result<()> {
    for make in Make::all() {
        marked(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

/// Each leaves a version and a marker: more than any store answers at once.
const TIMES_HIDDEN: usize = 510;

async fn marked(make: Make) -> Result<()> {
    let store = ObjectStore::start(make).await?;
    store.bucket(BUCKET, true).await?;
    let server = Server::start_with(&store.config()?).await?;
    let here = TempDir::with_prefix("chancery-offsite-")?;
    let keys = here.path().join("keys");
    talk(&server).await?;
    backed_up(&server, PLACE, &keys).await?;
    let key = "chancery/manifest.jsonl";
    for _ in 0..TIMES_HIDDEN {
        let over = ByteStream::from_static(b"rubbish");
        store.client.put_object().bucket(BUCKET).key(key).body(over).send().await?;
        store.client.delete_object().bucket(BUCKET).key(key).send().await?;
    }
    let listed = store.client.list_object_versions().bucket(BUCKET).prefix(key).send().await?;
    let (versions, markers) = (listed.versions().len(), listed.delete_markers().len());
    ensure!(listed.is_truncated() == Some(true), "{versions} versions, {markers} markers at once");
    let restored = here.path().join("restored");
    let report = restore(&server, PLACE, &keys, &restored).await?;
    ensure!(report["media"] == 1 && report["left_out"] == 0, "{report}");
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_has_the_time_that_its_length_needs() -> Result<()> {
    let Some(make) = Make::all().pop() else { return Ok(()) };
    let store = ObjectStore::start(make).await?;
    store.bucket(BUCKET, true).await?;
    let proxy = S3Proxy::start(&store.endpoint)?;
    // One try has less time than the store takes for what is large.
    let config = store.config_at(&proxy.endpoint)?;
    ensure!(config.contains("timeout_seconds = 5\n") && s3_proxy::SLOW > Duration::from_secs(5));
    let server = Server::start_with(&format!("{config}part_mebibytes = 5\n")).await?;
    let here = TempDir::with_prefix("chancery-offsite-")?;
    let (alice, _) = talk(&server).await?;
    for (byte, length) in [(1, 2 * 1024 * 1024), (2, 6 * 1024 * 1024)] {
        alice.upload("application/octet-stream", &vec![byte; length]).await?;
    }
    proxy.set(Fault::Slow);
    let report = backed_up(&server, PLACE, &here.path().join("keys")).await?;
    ensure!(report["log"]["copied"].as_u64() >= Some(4), "{report}");
    server.finish().await
}

/// Somebody writes as many other bytes over a file, without saying their SHA-256. Answers the file's
/// own version.
async fn write_over(store: &ObjectStore, key: &str) -> Result<String> {
    let head = store.client.head_object().bucket(BUCKET).key(key).send().await?;
    let length = usize::try_from(head.content_length().unwrap_or_default())?;
    let other = ByteStream::from(vec![b'x'; length]);
    store.client.put_object().bucket(BUCKET).key(key).body(other).send().await?;
    head.version_id().map(str::to_owned).context("a version")
}

/// A later backup with a longer time locks what it keeps for that time too, and what it puts with
/// a hold where that is wanted.
async fn locked_for_longer(server: &Server, store: &ObjectStore, keys: &Path) -> Result<()> {
    let own = std::fs::read_to_string(server.data_dir().with_file_name("chancery.toml"))?;
    let config = server.data_dir().with_file_name("longer.toml");
    let longer = own.replace("retention_days = 1", "retention_days = 10\nlegal_hold = true");
    std::fs::write(&config, longer)?;
    let media = store.versions(BUCKET, "chancery/media/").await?;
    let (media, _) = media.first().context("a file")?;
    let own_version = write_over(store, media).await?;
    let before = store.versions(BUCKET, "").await?;
    let output = tokio::process::Command::new(harness::server::binary())
        .args(["backup", "--to", PLACE, "--config"])
        .arg(&config)
        .arg("--keyring-to")
        .arg(keys)
        .output()
        .await?;
    ensure!(output.status.success(), "{}", said(&output));
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())?;
    let objects = store.client.list_objects_v2().bucket(BUCKET).send().await?;
    let (mut kept, mut held) = (0, 0);
    for key in objects.contents().iter().filter_map(|object| object.key()) {
        let found = store.client.head_object().bucket(BUCKET).key(key).send().await?;
        let new = !before.iter().any(|(_, version)| Some(version.as_str()) == found.version_id());
        let until = |found: &HeadObjectOutput| {
            found.object_lock_retain_until_date().map_or(0, DateTime::secs)
        };
        let longer = until(&found) > now + 9 * 86_400;
        if key == media {
            // Its own version, or where the store does not tell how an older one is locked, another.
            let asked = store.client.head_object().bucket(BUCKET).key(key);
            let own = asked.version_id(&own_version).send().await?;
            ensure!(longer || until(&own) > now + 9 * 86_400, "{found:?} and {own:?}");
            kept += 1;
        } else if new {
            ensure!(longer, "{key} is locked until {}", until(&found));
            let hold = found.object_lock_legal_hold_status();
            ensure!(hold == Some(&ObjectLockLegalHoldStatus::On), "{key}: {hold:?}");
            held += 1;
        }
    }
    ensure!(kept == 1 && held >= 1, "{kept} kept, {held} with a hold");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_lock_is_refused() -> Result<()> {
    for make in Make::all() {
        not_locking(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

async fn nothing_of_ours(make: Make) -> Result<()> {
    let store = ObjectStore::start(make).await?;
    store.bucket("records", true).await?;
    let put = |key: &str| store.client.put_object().bucket("records").key(key);
    for key in ["mine/notes.txt", "above/case/manifest.note"] {
        put(key).body(ByteStream::from_static(b"x")).send().await?;
    }
    let server = Server::start_with(&store.config()?).await?;
    let here = TempDir::with_prefix("chancery-offsite-")?;
    let (keys, to) = (here.path().join("keys"), here.path().join("data"));
    let (keys, to) = (keys.display().to_string(), to.display().to_string());
    for (prefix, there) in [
        ("none", "nothing at all is there"),
        ("mine", "nothing there is of Chancery's"),
        ("above", "there is one below it, in `case`"),
    ] {
        let place = format!("s3://records/{prefix}");
        // The key is none: that is not what is wrong first.
        for (line, looked_for) in [
            (vec!["verify", &place, "--key", "none"], "neither an export (`manifest.note`) nor"),
            (
                vec!["restore", "--from", &place, "--keyring-from", &keys, "--to", &to, "--yes"],
                "no backup (`manifest.jsonl`) is in",
            ),
        ] {
            let output = server.command(&line).await?;
            let words = said(&output);
            let told = words.contains(looked_for) && words.contains(there);
            ensure!(output.status.code() == Some(1) && told, "{line:?}: {words}");
            ensure!(words.contains("What to do: name the"), "{words}");
        }
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prefix_with_nothing_of_ours_is_told_so_before_anything_else() -> Result<()> {
    for make in Make::all() {
        nothing_of_ours(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

async fn not_locking(make: Make) -> Result<()> {
    let store = ObjectStore::start(make).await?;
    store.bucket("plain", false).await?;
    let server = Server::start_with(&store.config()?).await?;
    let here = TempDir::with_prefix("chancery-offsite-")?;
    for (to, words) in [
        ("s3://plain/x", "no Object Lock"),
        // Some say that such a bucket is not there, and some that it does not lock.
        ("s3://nowhere/x", "nowhere"),
        ("s3://", "names no bucket"),
    ] {
        let output = backup(&server, to, &here.path().join("keys")).await?;
        ensure!(
            output.status.code() == Some(1) && said(&output).contains(words),
            "{}",
            said(&output)
        );
    }
    ensure!(!here.path().join("keys").exists(), "no keys without a log");
    server.finish().await
}

/// How a store misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vice {
    /// Takes requests and never answers.
    Silent,
    /// Fails every time.
    Failing,
    /// Says no.
    Refusing,
    /// Says that it locked, and did not.
    NotLocking,
    /// Says that it has it, and has less.
    Losing,
    /// Gives out an object so slowly that it never ends.
    Trickling,
    /// Its list goes on with the same page for ever.
    Listing,
    /// Gives out an object fast, and without an end.
    Endless,
}

/// A store with a vice, and how often it was asked.
async fn vicious(vice: Vice) -> Result<(String, Arc<AtomicUsize>)> {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let app = Router::new().fallback(move |request: Request| {
        counted.fetch_add(1, Ordering::SeqCst);
        answer(vice, request)
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((endpoint, asked))
}

async fn answer(vice: Vice, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let put = request.method() == Method::PUT;
    let head = request.method() == Method::HEAD;
    match vice {
        Vice::Silent => std::future::pending().await,
        Vice::Failing => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Vice::Refusing => {
            (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>").into_response()
        }
        _ if query.contains("object-lock") => "<ObjectLockConfiguration><ObjectLockEnabled>Enabled\
             </ObjectLockEnabled></ObjectLockConfiguration>"
            .into_response(),
        Vice::Listing if query.contains("list-type") => {
            "<ListBucketResult><IsTruncated>true</IsTruncated>\
             <NextContinuationToken>same</NextContinuationToken></ListBucketResult>"
                .into_response()
        }
        _ if query.contains("list-type") => "<ListBucketResult/>".into_response(),
        Vice::Endless if query.contains("versions") => versions(&query).into_response(),
        _ if query.contains("versions") => "<ListVersionsResult/>".into_response(),
        _ if put => {
            let length = request.headers().get("content-length").cloned();
            let body = axum::body::to_bytes(request.into_body(), usize::MAX).await;
            let stored = body.map(|body| body.len()).unwrap_or_default();
            STORED.store(stored, Ordering::SeqCst);
            debug_assert!(length.is_some());
            ([("x-amz-version-id", "1")], "").into_response()
        }
        Vice::Trickling | Vice::Endless if head => Response::builder()
            .header("content-length", STORED.load(Ordering::SeqCst))
            .header("x-amz-object-lock-mode", "COMPLIANCE")
            .header("x-amz-object-lock-retain-until-date", "2999-01-01T00:00:00Z")
            .body(Body::empty())
            .unwrap_or_default(),
        Vice::Trickling if query.contains("GetObject") => trickle(),
        Vice::Endless if query.contains("GetObject") => endless(),
        _ if head => {
            let length =
                STORED.load(Ordering::SeqCst).saturating_sub(usize::from(vice == Vice::Losing));
            Response::builder()
                .header("content-length", length)
                .body(Body::empty())
                .unwrap_or_default()
        }
        _ => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchObjectLockConfiguration</Code></Error>")
            .into_response(),
    }
}

/// A byte now and then, without an end.
fn trickle() -> Response {
    let ticks = tokio::time::interval(Duration::from_millis(20));
    let bytes = stream::unfold(ticks, |mut ticks| async {
        ticks.tick().await;
        Some((Ok::<_, std::convert::Infallible>("x"), ticks))
    });
    Body::from_stream(bytes).into_response()
}

/// Much of nothing, for ever.
fn endless() -> Response {
    let piece = axum::body::Bytes::from(vec![b'x'; 64 * 1024]);
    Body::from_stream(stream::repeat(piece).map(Ok::<_, std::convert::Infallible>)).into_response()
}

/// One version of whatever is asked for; of a folder, of two files in it.
fn versions(query: &str) -> String {
    let prefix = query.split('&').find_map(|part| part.strip_prefix("prefix="));
    let prefix = prefix.unwrap_or_default().replace("%2F", "/");
    let names = if prefix.ends_with('/') { &["manifest.note", "evidence/x"][..] } else { &[""] };
    let version = |name: &&str| {
        format!("<Version><Key>{prefix}{name}</Key><VersionId>1</VersionId></Version>")
    };
    let versions: String = names.iter().map(version).collect();
    format!("<ListVersionsResult>{versions}</ListVersionsResult>")
}

/// For a command about a store that never ends its answers.
const PATIENCE: Duration = Duration::from_mins(5);

/// Bytes of the last object that the lying stores of this process were given.
static STORED: AtomicUsize = AtomicUsize::new(0);

/// The configuration of a server with such a store.
fn config_of(server: &Server, endpoint: &str, credentials: &Path) -> Result<PathBuf> {
    let config = server.data_dir().with_file_name("offsite.toml");
    let own = std::fs::read_to_string(server.data_dir().with_file_name("chancery.toml"))?;
    let offsite = section(endpoint, &credentials.display().to_string());
    let offsite = offsite.replace("seconds = 5", "seconds = 1");
    std::fs::write(&config, format!("{own}\n{offsite}"))?;
    Ok(config)
}

/// Runs a command that has to end.
async fn patiently(config: &Path, line: &[&str]) -> Result<Output> {
    let mut command = tokio::process::Command::new(harness::server::binary());
    command.args(line).arg("--config").arg(config).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    Ok(output.with_context(|| format!("{line:?} does not end"))??)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_sends_without_an_end_is_not_heard_out() -> Result<()> {
    let server = Server::start().await?;
    let here = TempDir::with_prefix("chancery-offsite-")?;
    let credentials = here.path().join("credentials");
    std::fs::write(&credentials, "access\nsecret\n")?;
    let (endpoint, _) = vicious(Vice::Endless).await?;
    let config = config_of(&server, &endpoint, &credentials)?;
    let (keys, to) = (here.path().join("keys"), here.path().join("restored"));
    let (keys, to) = (keys.display().to_string(), to.display().to_string());
    let key = server.command(&["ledger", "key", "--json"]).await?;
    let key: Value = serde_json::from_slice(&key.stdout)?;
    let key = key["key"].as_str().context("a key")?;
    for line in [
        &["verify", PLACE, "--key", key][..],
        &["restore", "--from", PLACE, "--keyring-from", &keys, "--to", &to, "--yes"],
    ] {
        let output = patiently(&config, line).await?;
        ensure!(output.status.code() == Some(1), "{line:?}: {}", said(&output));
    }
    server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_time_out_refuse_or_lie_are_found_out_within_bounds() -> Result<()> {
    let server = Server::start().await?;
    let here = TempDir::with_prefix("chancery-offsite-")?;
    let credentials = here.path().join("credentials");
    std::fs::write(&credentials, "access\nsecret\n")?;
    talk(&server).await?;
    for (vice, words, tries) in [
        (Vice::Silent, "no answer in time", 3),
        (Vice::Failing, "and did not: ", 3),
        (Vice::Refusing, "AccessDenied", 1),
        (Vice::NotLocking, "not locked in compliance mode", 0),
        (Vice::Losing, "bytes of", 0),
        (Vice::Trickling, "too little for too long", 0),
        (Vice::Listing, "does not end", 4),
        (Vice::Endless, "its SHA-256 is", 0),
    ] {
        let (endpoint, asked) = vicious(vice).await?;
        let config = config_of(&server, &endpoint, &credentials)?;
        let keys = here.path().join("keys").display().to_string();
        let output = patiently(&config, &["backup", "--to", PLACE, "--keyring-to", &keys]).await?;
        let told = said(&output);
        ensure!(output.status.code() == Some(1) && told.contains(words), "{vice:?}: {told}");
        ensure!(!here.path().join("keys").exists(), "{vice:?}: no keys without a log");
        let times = asked.load(Ordering::SeqCst);
        ensure!(tries == 0 || times == tries, "{vice:?}: asked {times} times");
    }
    server.finish().await
}
