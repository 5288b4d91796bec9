//! Exports that go to an object store: killed again and again, through somebody who loses what he
//! is given, locked for as long as the policy in force keeps records, verified from there and from
//! a copy.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/object_store.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod object_store;
#[path = "support/officer.rs"]
mod officer;
#[path = "support/s3_proxy.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod s3_proxy;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_s3::{
    primitives::{ByteStream, DateTime},
    types::{ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode},
};
use harness::{matrix_client::MatrixClient, register, server::Server, two_in_a_room};
use object_store::{Make, ObjectStore};
use officer::{Officer, stderr};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use s3_proxy::{Fault, S3Proxy};
use serde_json::{Value, json};
use tokio::process::Command;

const BUCKET: &str = "records";
const PLACE: &str = "s3://records/case";
const WHY: [&str; 3] = ["--reason", "because", "--yes"];
/// A command is killed after a random part of this.
const LIFE_MS: u64 = 700;
const KILLS: u64 = 8;
const DAYS: i64 = 3 * 366;
/// Twenty years, in seconds.
const LATE: i64 = 20 * 365 * 86_400;

struct World {
    server: Server,
    store: ObjectStore,
    proxy: S3Proxy,
    ann: MatrixClient,
    ben: MatrixClient,
    room: String,
    case: String,
}

impl World {
    /// A room with texts and files, a policy that keeps them for three years, a case over it.
    async fn start(make: Make) -> Result<Self> {
        let store = ObjectStore::start(make).await?;
        store.bucket(BUCKET, true).await?;
        let proxy = S3Proxy::start(&store.endpoint)?;
        let server = Server::start_with(&store.config_at(&proxy.endpoint)?).await?;
        let (mut alice, _, room) = two_in_a_room(&server, &json!({})).await?;
        let (ann, ben) = (register(&server, "ann").await?, register(&server, "ben").await?);
        for number in 0..30 {
            alice
                .send_text(&room, &format!("{number} {}", "something to say. ".repeat(500)))
                .await?;
        }
        for (number, size) in [(1, 100), (2, 2_000_000)] {
            let url = alice.upload("application/octet-stream", &vec![number; size]).await?;
            let content = json!({ "msgtype": "m.file", "body": "a file", "url": url });
            let txn = format!("file-{number}");
            alice.send_under(&room, "m.room.message", &txn, &content).await?.ok()?;
        }
        let officers = ["role", "bootstrap", &ann.user_id, &ben.user_id];
        ensure!(server.command(&officers).await?.status.success());
        let officer = Officer::new(&server, &ann)?;
        let file = server.data_dir().with_file_name("policy.toml");
        fs::write(&file, "[policy.broker]\nrecords = [\"messages\"]\nkeep_at_least = \"3y\"\n")?;
        let file = file.to_str().context("a plain name")?;
        officer.does(&[&["policy", "apply", file][..], &WHY].concat()).await?;
        let mut world = Self { server, store, proxy, ann, ben, room, case: String::new() };
        world.case = world.opens_a_case().await?;
        Ok(world)
    }

    /// A case over the room; its number.
    async fn opens_a_case(&self) -> Result<String> {
        let expires = (SystemTime::UNIX_EPOCH.elapsed()?.as_millis() + 86_400_000).to_string();
        let open = ["case", "open", "--room", &self.room, "--expires", &expires, WHY[0], WHY[1]];
        let case = self.officer()?.does(&open).await?["case"].to_string();
        let approve = ["case", "approve", &case, WHY[0], WHY[1]];
        Officer::new(&self.server, &self.ben)?.does(&approve).await?;
        Ok(case)
    }

    fn work(&self) -> PathBuf {
        self.server.data_dir().with_file_name("work")
    }

    fn arguments(&self, place: &str, work: &Path) -> Vec<String> {
        let work = work.to_string_lossy();
        let line = ["export", "--case", &self.case, "--format", "jsonl", "--out", place];
        let mut all: Vec<String> = line.iter().map(ToString::to_string).collect();
        all.extend(["--work", &work, "--page", "20", "--yes"].map(str::to_owned));
        all
    }

    fn officer(&self) -> Result<Officer<'_>> {
        Officer::new(&self.server, &self.ann)
    }

    async fn exports(&self, place: &str) -> Result<Value> {
        let arguments = self.arguments(place, &self.work());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.officer()?.does(&arguments).await
    }

    async fn may_not(&self, place: &str, words: &str) -> Result<()> {
        let arguments = self.arguments(place, &self.work());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.officer()?.may_not(&arguments, words).await
    }

    /// An export that is killed after so long, if it still runs; true where it had ended.
    async fn killed(&self, after: Duration) -> Result<bool> {
        let token = self.server.data_dir().join("../ann_localhost.token");
        self.officer()?;
        let mut child = Command::new(harness::server::binary())
            .args(self.arguments(PLACE, &self.work()))
            .args(["--server", self.server.http().base(), "--token-file"])
            .arg(token)
            .arg("--config")
            .arg(self.server.data_dir().with_file_name("chancery.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        if let Ok(ended) = tokio::time::timeout(after, child.wait()).await {
            return Ok(ended?.success());
        }
        child.kill().await?;
        Ok(false)
    }

    async fn key(&self) -> Result<String> {
        let key = self.server.command(&["ledger", "key", "--json"]).await?;
        let key: Value = serde_json::from_slice(&key.stdout)?;
        Ok(key["key"].as_str().context("a key")?.to_owned())
    }

    /// `chancery verify` of a place or a directory: whether it is right, and what it says.
    async fn verify(&self, what: &str) -> Result<(bool, String)> {
        let key = self.key().await?;
        let output = self.server.command(&["verify", what, "--key", &key, "--json"]).await?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
        Ok((output.status.success(), said))
    }

    /// Copies the objects by the store's own client, as somebody without this program would.
    async fn copied(&self, to: &Path) -> Result<()> {
        for (key, version) in self.store.versions(BUCKET, "case/").await? {
            let path = to.join(key.trim_start_matches("case/"));
            fs::create_dir_all(path.parent().context("a folder")?)?;
            let read = self.store.client.get_object().bucket(BUCKET).key(&key);
            let read = read.version_id(version).send().await?;
            fs::write(path, read.body.collect().await?.into_bytes())?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_in_an_object_store_is_whole_locked_and_there_once_however_often_it_is_killed()
-> Result<()> {
    for make in Make::all() {
        exported(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

async fn exported(make: Make) -> Result<()> {
    let world = World::start(make).await?;
    let mut random = StdRng::seed_from_u64(0xe4_0075);
    // Somebody says yes and stores nothing, which is found out.
    world.proxy.set(Fault::Swallowing);
    let mut life = || Duration::from_millis(random.random_range(20..LIFE_MS));
    let mut done = false;
    for _ in 0..KILLS {
        done = done || world.killed(life()).await?;
    }
    ensure!(!done, "a store that stores nothing was believed");
    world.may_not(PLACE, "it is not there").await?;
    // Whole here now; nothing is lost by it.
    world.proxy.set(Fault::None);
    for _ in 0..KILLS {
        done = done || world.killed(life() / 4).await?;
    }
    // Killed behind its last step it had ended all the same.
    if !done && world.work().exists() {
        let answer = world.exports(PLACE).await?;
        ensure!(answer["put"].is_u64(), "{answer}");
    }
    let left = world.work().with_file_name("work.put");
    if left.exists() {
        ensure!(world.exports(PLACE).await?["put"] == 0, "all was there");
    }
    ensure!(!left.exists(), "what was put stays here");
    ensure!(!world.work().exists(), "what was made here is removed");
    let objects = world.store.versions(BUCKET, "case/").await?;
    let keys: BTreeSet<&String> = objects.iter().map(|(key, _)| key).collect();
    ensure!(keys.len() == objects.len(), "a file was put twice: {objects:?}");
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())?;
    for (key, version) in &objects {
        world.store.cannot_be_removed(BUCKET, key, version).await?;
        let found = world.store.client.head_object().bucket(BUCKET).key(key).send().await?;
        let until = found.object_lock_retain_until_date().map_or(0, DateTime::secs);
        ensure!(until > now + (DAYS - 1) * 86_400, "{key} is locked until {until}");
    }
    let copy = world.server.data_dir().with_file_name("copy");
    world.copied(&copy).await?;
    for what in [PLACE, copy.to_str().context("a plain name")?] {
        let (right, said) = world.verify(what).await?;
        ensure!(right, "{what}: {said}");
    }
    world.may_not(PLACE, "holds an export that is complete").await?;

    // What can be done there: writing over a file. It is named, and the file is still there.
    let over = objects.iter().map(|(key, _)| key).find(|key| key.ends_with("entries.jsonl"));
    let over = over.context("evidence")?;
    let rubbish = ByteStream::from_static(b"rubbish");
    world.store.client.put_object().bucket(BUCKET).key(over).body(rubbish).send().await?;
    let (right, said) = world.verify(PLACE).await?;
    ensure!(!right && said.contains("entries.jsonl"), "{said}");

    // Something else stands under the name of one of its files: nothing is put over it.
    let other = ByteStream::from_static(b"something else");
    let put = world.store.client.put_object().bucket(BUCKET).key("other/checkpoint.note");
    put.body(other).send().await?;
    world.may_not("s3://records/other", "something else").await?;
    ensure!(world.work().exists(), "the export stays here until it is all there");
    world.server.finish().await
}

impl World {
    /// Nothing is put beside what is not of the export.
    async fn refuses_company(&self) -> Result<()> {
        let (notes, table) = ("s3://records/notes", "s3://records/table");
        self.refuses(&[(PLACE, notes)], "notes/notes.txt does not belong to this export").await?;
        self.refuses(&[(PLACE, table)], "table/export.csv does not belong to this export").await
    }

    /// Somebody puts a note below the prefix while a large file is put: the manifest is not.
    async fn finds_what_comes_meanwhile(&self) -> Result<()> {
        self.proxy.set(Fault::Slow);
        let meddles = async {
            while self.store.versions(BUCKET, "slow/").await?.is_empty() {
                tokio::task::yield_now().await;
            }
            let put = self.store.client.put_object().bucket(BUCKET).key("slow/notes.txt");
            put.body(ByteStream::from_static(b"mine")).send().await?;
            anyhow::Ok(())
        };
        let words = "slow/notes.txt does not belong to this export";
        tokio::try_join!(self.may_not("s3://records/slow", words), meddles)?;
        self.proxy.set(Fault::None);
        let there = self.store.versions(BUCKET, "slow/").await?;
        let has = |name: &str| there.iter().any(|(key, _)| key == &format!("slow/{name}"));
        ensure!(has("files.sha256") && !has("manifest.note"), "{there:?}");
        Ok(())
    }

    /// An export with other words in the place of those that are usual is refused, and nothing is
    /// put below its prefix.
    async fn refuses(&self, instead: &[(&str, &str)], words: &str) -> Result<()> {
        let mut line = self.arguments(PLACE, &self.work());
        for (usual, other) in instead {
            line.iter_mut().filter(|word| word == usual).for_each(|word| (*other).clone_into(word));
        }
        line.retain(|word| !word.is_empty());
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let before = self.store.versions(BUCKET, "").await?;
        self.officer()?.may_not(&line, words).await?;
        let after = self.store.versions(BUCKET, "").await?;
        ensure!(before == after, "{instead:?} put something: {after:?}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_removed_or_called_complete_is_the_export_that_was_asked_for() -> Result<()> {
    let Some(make) = Make::all().pop() else { return Ok(()) };
    let world = World::start(make).await?;
    let (work, left) = (world.work(), world.work().with_file_name("work.put"));
    let other_case = world.opens_a_case().await?;
    ensure!(other_case != world.case);

    // Somebody's own directory has the name that one is given once all is put.
    fs::create_dir(&left)?;
    fs::write(left.join("notes.txt"), "mine")?;
    world.refuses(&[], "something else than an export").await?;
    ensure!(fs::read(left.join("notes.txt"))? == b"mine" && !work.exists());
    fs::rename(&left, left.with_file_name("notes"))?;

    // What lies below a prefix and is not of this export: a note, a form of another export.
    for key in ["notes/notes.txt", "table/export.csv"] {
        let note = ByteStream::from_static(b"mine");
        world.store.client.put_object().bucket(BUCKET).key(key).body(note).send().await?;
    }
    world.refuses_company().await?;
    ensure!(!work.exists(), "refused before it is made");

    // An export that is made, and of which nothing could be put.
    world.proxy.set(Fault::Swallowing);
    world.may_not(PLACE, "it is not there").await?;
    world.proxy.set(Fault::None);
    ensure!(work.join("manifest.note").exists());
    world.refuses_company().await?;
    world.finds_what_comes_meanwhile().await?;
    let holds = format!("holds the export of case {} of", world.case);
    for instead in [(world.case.as_str(), other_case.as_str()), ("jsonl", "csv")] {
        world.refuses(&[instead], &holds).await?;
    }
    world.refuses(&[("--yes", "--end=7")], &holds).await?;
    world.refuses(&[("--yes", "")], &holds).await?;
    world.refuses(&[("--yes", "")], "nobody is here to be asked").await?;

    // What the manifest does not cover is not put with it.
    fs::write(work.join("notes.txt"), "mine")?;
    world.refuses(&[], "notes.txt does not belong to the export").await?;
    fs::remove_file(work.join("notes.txt"))?;
    let form = fs::read(work.join("form.json"))?;
    fs::remove_file(work.join("form.json"))?;
    world.refuses(&[], "form.json is missing").await?;
    fs::write(work.join("form.json"), &form)?;

    // The name is taken: found before anything is put.
    fs::create_dir(&left)?;
    fs::write(left.join("notes.txt"), "mine")?;
    world.refuses(&[], "is in the way").await?;
    fs::remove_dir_all(&left)?;

    let kept = left.with_file_name("kept");
    copy_all(&work, &kept)?;
    fs::write(kept.join("form.json"), [&form[..], b" "].concat())?;
    fs::rename(&work, left.with_file_name("right"))?;
    fs::rename(&kept, &work)?;
    let changed = world.exports("s3://records/changed").await;
    let said = changed.err().context("a changed file is put")?.to_string();
    ensure!(said.contains("is not what it was when its export was finished"), "{said}");
    fs::remove_dir_all(&work)?;
    fs::rename(left.with_file_name("right"), &work)?;
    copy_all(&work, &kept)?;

    ensure!(world.exports(PLACE).await?["put"].as_u64() > Some(5));
    ensure!(!work.exists() && !left.exists());
    // A kill while what was put was removed.
    copy_all(&kept, &left)?;
    world.refuses(&[(PLACE, "s3://records/two")], "holds an export that is not in").await?;
    world.refuses(&[(&world.case, &other_case)], &holds).await?;
    ensure!(left.join("manifest.note").exists(), "nothing was removed");
    fs::remove_file(left.join("form.json"))?;
    ensure!(world.exports(PLACE).await?["put"] == 0 && !left.exists());
    fs::create_dir(&left)?;
    ensure!(world.exports(PLACE).await?["put"] == 0 && !left.exists());
    fs::create_dir(&left)?;
    world.refuses(&[(&world.case, &other_case)], "holds an export that is complete").await?;
    // Another export that is whole here is not put beside the one that is there.
    let here = work.to_str().context("a plain name")?;
    let line = ["export", "--case", &world.case, "--format", "csv", "--out", here, "--yes"];
    world.officer()?.does(&line).await?;
    world.refuses(&[("jsonl", "csv")], "holds an export that is complete").await?;
    world.server.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_try_put_is_locked_as_the_later_one_wants_it() -> Result<()> {
    for make in Make::all() {
        locked_for_longer(make).await.with_context(|| format!("{make:?}"))?;
    }
    Ok(())
}

async fn locked_for_longer(make: Make) -> Result<()> {
    let world = World::start(make).await?;
    world.proxy.set(Fault::NoLog);
    world.may_not(PLACE, "put case/media/").await?;
    world.proxy.set(Fault::None);
    let before = world.store.versions(BUCKET, "").await?;
    ensure!(before.len() >= 4, "some were put: {before:?}");
    let (right, said) = world.verify(PLACE).await?;
    ensure!(!right && said.contains("broken off before its end"), "{said}");
    // What somebody locked for longer than this command wants it is left so.
    let (key, version) = before.first().context("an object")?;
    let late =
        DateTime::from_secs(i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())? + LATE);
    let longest = ObjectLockRetention::builder()
        .mode(ObjectLockRetentionMode::Compliance)
        .retain_until_date(late)
        .build();
    let asked = world.store.client.put_object_retention().bucket(BUCKET).key(key);
    asked.version_id(version).retention(longest).send().await?;

    let days = 10 * 365;
    let file = world.server.data_dir().with_file_name("chancery.toml");
    let config = fs::read_to_string(&file)?;
    let longer = format!("retention_days = {days}\nlegal_hold = true");
    fs::write(&file, config.replace("retention_days = 1", &longer))?;
    world.exports(PLACE).await?;
    let after = world.store.versions(BUCKET, "").await?;
    ensure!(before.iter().all(|known| after.contains(known)) && after.len() > before.len());
    let keys: BTreeSet<&String> = after.iter().map(|(key, _)| key).collect();
    ensure!(keys.len() == after.len(), "a file was put twice: {after:?}");
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed()?.as_secs())?;
    let head = world.store.client.head_object().bucket(BUCKET).key(key).send().await?;
    ensure!(head.object_lock_retain_until_date().map(DateTime::secs) == Some(late.secs()));
    for key in keys {
        let found = world.store.client.head_object().bucket(BUCKET).key(key).send().await?;
        let until = found.object_lock_retain_until_date().map_or(0, DateTime::secs);
        ensure!(until > now + (days - 1) * 86_400, "{key} is locked until {until}");
        let hold = found.object_lock_legal_hold_status();
        ensure!(hold == Some(&ObjectLockLegalHoldStatus::On), "{key}: {hold:?}");
    }

    world.server.finish().await
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
