//! Policies, holds and erasures of a running server, by the officers' command line alone: applied,
//! never weakened, a hold that changes what is planned and outlives a restart, a release by two.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;
#[path = "support/officer.rs"]
mod officer;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use harness::{matrix_client::MatrixClient, register, server::Server, two_in_a_room};
use officer::{Officer, stderr};
use serde_json::{Value, json};

const SECRET: &str = "what nobody may read in a plan";
const WHY: [&str; 3] = ["--reason", "because", "--yes"];
const DOCUMENT: &str = "[policy.broker]\nrecords = [\"state\"]\nkeep_at_least = \"6y\"\n\
                        locked = true\n[policy.rest]\nrecords = [\"messages\"]\n\
                        keep_at_most = \"9y\"\n";

fn file(dir: &Path, name: &str, text: &str) -> Result<String> {
    let path = dir.join(name);
    std::fs::write(&path, text)?;
    Ok(path.to_str().context("a plain name")?.to_owned())
}

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

/// Records of a room by fate.
fn planned(plan: &Value, room: &str, fate: &str) -> u64 {
    let groups = plan["counts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_room = groups.iter().filter(|group| group["room_id"] == room && group["fate"] == fate);
    of_room.filter_map(|group| group["records"].as_u64()).sum()
}

struct People {
    ann: MatrixClient,
    ben: MatrixClient,
    otto: MatrixClient,
}

/// What was done before the restart.
struct Done {
    room: String,
    event: String,
    hold: String,
    release: String,
    erasure: String,
    /// Records that the erasure destroys where nothing holds them.
    due: u64,
    /// Records that the floor keeps from it.
    floored: u64,
    weaker: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_policy_to_a_release_and_all_of_it_after_a_restart() -> Result<()> {
    let mut server = Server::start().await?;
    let options = json!({ "preset": "private_chat" });
    let (alice, _bob, room) = two_in_a_room(&server, &options).await?;
    let mut alice = alice;
    let event = alice.send_text(&room, SECRET).await?;
    let people = People {
        ann: register(&server, "ann").await?,
        ben: register(&server, "ben").await?,
        otto: register(&server, "otto").await?,
    };
    let set_up = ["role", "bootstrap", "@ann:localhost", "@ben:localhost"];
    let set_up = server.command(&set_up).await?;
    ensure!(set_up.status.success(), "{}", stderr(&set_up));
    let weaker = policies_are_applied_and_locked(&server, &people).await?;
    let done = a_hold_changes_the_plan(&server, &people, room, event, weaker).await?;

    server.stop_gracefully().await?;
    server.restart().await?;
    everything_stands(&server, &people, &done).await?;
    server.finish().await
}

async fn policies_are_applied_and_locked(server: &Server, people: &People) -> Result<String> {
    let (ann, ben) = (Officer::new(server, &people.ann)?, Officer::new(server, &people.ben)?);
    let dir = server.data_dir().join("..");
    let right = file(&dir, "right.toml", DOCUMENT)?;
    let weaker = file(&dir, "weaker.toml", &DOCUMENT.replace("6y", "5y"))?;
    let apply = ["policy", "apply", &right];
    ann.may_not(&with(&apply, &WHY[..2]), "nobody is here to be asked").await?;
    ensure!(ann.does(&["policy", "show"]).await?["version"] == 0, "nothing was done");
    let tried = ann.does(&with(&apply, &["--reason", "because", "--dry-run"])).await?;
    ensure!(tried["changes"]["added"] == json!(["broker", "rest"]), "{tried}");
    let applied = ann.run(&with(&apply, &WHY)).await?;
    ensure!(stderr(&applied).contains("added: broker, rest"), "{}", stderr(&applied));
    let words = "policy broker is locked: `keep_at_least` is 6y and can only grow";
    ben.may_not(&with(&["policy", "apply", &weaker], &WHY), words).await?;
    let shown = ben.does(&["policy", "show"]).await?;
    ensure!(shown["version"] == 1 && shown["document"] == DOCUMENT, "{shown}");
    let copy = dir.join("copy.toml");
    ben.does(&["policy", "show", copy.to_str().context("a plain name")?]).await?;
    ensure!(std::fs::read_to_string(&copy)? == DOCUMENT, "the file is the document");
    Ok(weaker)
}

async fn a_hold_changes_the_plan(
    server: &Server,
    people: &People,
    room: String,
    event: String,
    weaker: String,
) -> Result<Done> {
    let (ann, ben) = (Officer::new(server, &people.ann)?, Officer::new(server, &people.ben)?);
    let otto = Officer::new(server, &people.otto)?;
    let erase = with(&["erasure", "request", "@alice:localhost"], &WHY);
    otto.may_not(&erase, "data-protection officers").await?;
    let grant = ["role", "grant", "data_protection_officer", "@otto:localhost", WHY[0], WHY[1]];
    let asked = ann.does(&grant).await?["request"].to_string();
    ben.does(&["role", "approve", &asked, WHY[0], WHY[1]]).await?;
    let plan = ["policy", "plan", "--limit", "7"];
    ensure!(ann.does(&plan).await?["counts"] == json!([]), "nothing is to be destroyed yet");
    let erasure = otto.does(&erase).await?["request"].to_string();

    let before = otto.does(&plan).await?;
    let due = planned(&before, &room, "destroy");
    let floored = planned(&before, &room, "restricted");
    ensure!(due > 0 && floored > 0, "messages go, the state has a floor: {before}");
    ensure!(before["done"] == true && !before.to_string().contains(SECRET), "{before}");
    let matter = ["hold", "place", "--matter", "inquiry 7", "--room", &room];
    let hold = ann.does(&with(&matter, &WHY)).await?["hold"].to_string();
    let after = otto.does(&plan).await?;
    ensure!(planned(&after, &room, "destroy") == 0, "held: {after}");
    ensure!(planned(&after, &room, "restricted") == due + floored, "{before} {after}");
    let told = ["hold", "notify", &hold, "--user", "@bob:localhost"];
    ann.may_not(&with(&told, &WHY), "no custodian").await?;
    let wider = ["hold", "widen", &hold, "--user", "@bob:localhost"];
    ann.does(&with(&wider, &WHY)).await?;
    ann.does(&with(&told, &WHY)).await?;
    let shown = otto.does(&["hold", "show", &hold]).await?;
    ensure!(shown["custodians"][0]["notified_at"].is_u64(), "{shown}");

    let release = ann.does(&with(&["hold", "release", &hold], &WHY)).await?["request"].to_string();
    let done = Done { room, event, hold, release, erasure, due, floored, weaker };
    Ok(done)
}

async fn everything_stands(server: &Server, people: &People, done: &Done) -> Result<()> {
    let (ann, ben) = (Officer::new(server, &people.ann)?, Officer::new(server, &people.ben)?);
    let otto = Officer::new(server, &people.otto)?;
    let plan = ["policy", "plan"];
    ensure!(ann.does(&["policy", "show"]).await?["version"] == 1, "the policy stands");
    let history = ann.does(&["policy", "show", "--history"]).await?;
    ensure!(history["versions"][0]["version"] == 1, "{history}");
    ben.may_not(&with(&["policy", "apply", &done.weaker], &WHY), "can only grow").await?;
    let explained = otto.does(&["policy", "explain", &done.event]).await?;
    ensure!(explained["fate"] == "restricted", "{explained}");
    ensure!(explained["decided_by"]["name"].as_u64() == done.hold.parse().ok(), "{explained}");
    ensure!(explained.to_string().contains(&format!("erasure {}", done.erasure)), "{explained}");
    ensure!(!explained.to_string().contains(SECRET), "no content: {explained}");
    let words = String::from_utf8(otto.run(&["policy", "explain", &done.event]).await?.stdout)?;
    ensure!(words.contains("inquiry 7") && words.contains("restricted"), "{words}");
    let held = otto.does(&plan).await?;
    ensure!(planned(&held, &done.room, "restricted") == done.due + done.floored, "{held}");
    let listed = String::from_utf8(otto.run(&["policy", "plan", "--list"]).await?.stdout)?;
    ensure!(listed.contains("inquiry 7") && !listed.contains(SECRET), "{listed}");

    let agree = with(&["hold", "approve-release", &done.release], &WHY);
    ann.may_not(&agree, "another person").await?;
    otto.may_not(&agree, "compliance officers and legal").await?;
    ben.does(&agree).await?;
    ensure!(ann.does(&["hold", "list"]).await?["holds"] == json!([]), "released");
    let released = otto.does(&plan).await?;
    ensure!(planned(&released, &done.room, "destroy") == done.due, "{released}");
    ensure!(planned(&released, &done.room, "restricted") == done.floored, "{released}");
    let erasures = ben.does(&["erasure", "list"]).await?;
    ensure!(erasures["erasures"][0]["user"] == "@alice:localhost", "{erasures}");
    otto.does(&with(&["erasure", "withdraw", &done.erasure], &WHY)).await?;
    ensure!(otto.does(&plan).await?["counts"] == json!([]), "nothing is to go any more");
    Ok(())
}
