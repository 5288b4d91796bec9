//! A client that keeps a room's state by folding `/sync` has the room's state, whatever tokens it
//! took on the way: syncs left out, short timelines, older tokens used again, both dialects, and
//! a member that leaves, is removed and comes back. One that goes through the syncs in a row and
//! fills the gaps has every event once, in the order of `/messages`. The last test tampers with
//! answers, to show that these checks can fail.
//!
//! `CHANCERY_SYNC_SEED` repeats a run.

#[path = "support/harness.rs"]
#[expect(dead_code, reason = "each test uses its own part of the harness")]
mod harness;

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
    register,
    server::Server,
    timeline::Timeline,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

/// Runs, each on its own seed and server.
const SEEDS: [u64; 3] = [11, 12, 13];

/// Things that happen in one run.
const STEPS: usize = 150;

/// Type and state key -> event id.
type RoomState = BTreeMap<(String, String), String>;

/// The three that come and go; the first of them also watches.
const GUESTS: usize = 3;

/// One way through the syncs of one member.
struct Chain {
    client: MatrixClient,
    state_after: bool,
    folded: RoomState,
    /// Where it has been, to go back there.
    earlier: Vec<(Option<String>, RoomState)>,
}

impl Chain {
    fn new(client: &MatrixClient, state_after: bool) -> Self {
        let mut client = client.clone();
        client.since = None;
        Self { client, state_after, folded: RoomState::new(), earlier: Vec::new() }
    }

    /// One sync, folded as the specification tells a client to.
    async fn sync(&mut self, room: &str, limit: u32, full: bool) -> Result<()> {
        self.earlier.push((self.client.since.clone(), self.folded.clone()));
        let filter = json!({ "room": { "timeline": { "limit": limit } } });
        let mut more = format!("&filter={}", encode(&filter.to_string()));
        if self.state_after {
            more.push_str("&use_state_after=true");
        }
        if full {
            more.push_str("&full_state=true");
        }
        let sync = self.client.sync_with(0, &more).await?;
        fold(&mut self.folded, &sync, room, self.state_after)
    }

    fn go_back(&mut self, random: &mut StdRng) {
        if !self.earlier.is_empty() {
            let place = random.random_range(0..self.earlier.len());
            (self.client.since, self.folded) = self.earlier[place].clone();
        }
    }
}

/// Takes the state of one answer in, as the specification tells a client to.
fn fold(state: &mut RoomState, sync: &Value, room: &str, state_after: bool) -> Result<()> {
    let lists: &[&str] = if state_after { &["state_after"] } else { &["state", "timeline"] };
    for membership in ["leave", "join"] {
        let update = &sync["rooms"][membership][room];
        for list in lists {
            for event in update[list]["events"].as_array().into_iter().flatten() {
                if event.get("state_key").is_some() {
                    state.insert(key(event)?, text(event, "event_id")?);
                }
            }
        }
    }
    Ok(())
}

/// What was folded is the room's state.
fn agrees(folded: &RoomState, truth: &RoomState) -> Result<()> {
    ensure!(
        folded == truth,
        "folded but not so {:?}, so but not folded {:?}",
        difference(folded, truth),
        difference(truth, folded),
    );
    Ok(())
}

/// What was shown is the room's history, each event once and in order.
fn complete(shown: &[Value], history: &[Value]) -> Result<()> {
    let id = |event: &Value| text(event, "event_id");
    let shown: Vec<String> = shown.iter().map(id).collect::<Result<_>>()?;
    let history: Vec<String> = history.iter().map(id).collect::<Result<_>>()?;
    let first = shown.iter().zip(&history).position(|(left, right)| left != right);
    ensure!(
        shown == history,
        "{} events instead of {}, the first difference is at {first:?}",
        shown.len(),
        history.len(),
    );
    Ok(())
}

/// A member that goes through the syncs in a row, with a short timeline each.
struct Walk {
    client: MatrixClient,
    seen: Timeline,
}

impl Walk {
    fn new(client: &MatrixClient) -> Self {
        let mut client = client.clone();
        client.since = None;
        Self { client, seen: Timeline::default() }
    }

    async fn sync(&mut self, limit: u32) -> Result<()> {
        let filter = json!({ "room": { "timeline": { "limit": limit } } }).to_string();
        let sync = self.client.sync_with(0, &format!("&filter={}", encode(&filter))).await?;
        self.seen.take(&self.client, &sync).await
    }

    async fn settle(&mut self, room: &str) -> Result<()> {
        self.sync(3).await?;
        complete(self.seen.events(room), &self.client.history(room, 50).await?)
    }
}

fn key(event: &Value) -> Result<(String, String)> {
    Ok((text(event, "type")?, text(event, "state_key")?))
}

async fn full_state(client: &MatrixClient, room: &str) -> Result<RoomState> {
    let answer = client.get(&format!("/v3/rooms/{}/state", encode(room))).await?;
    let events = answer.as_array().context("a list of state")?;
    events.iter().map(|event| Ok((key(event)?, text(event, "event_id")?))).collect()
}

/// The room, who owns it, who watches all the time, and who comes and goes.
struct Scene {
    owner: MatrixClient,
    watcher: MatrixClient,
    guests: Vec<MatrixClient>,
    room: String,
}

async fn scene(server: &Server) -> Result<Scene> {
    let owner = register(server, "owner").await?;
    let watcher = register(server, "watcher").await?;
    let room = owner.create_room(&json!({ "preset": "public_chat", "name": "hall" })).await?;
    watcher.join(&room).await?;
    let mut guests = Vec::new();
    for number in 0..GUESTS {
        guests.push(register(server, &format!("guest{number}")).await?);
    }
    Ok(Scene { owner, watcher, guests, room })
}

/// One thing happens. What the room refuses (a kick of one who is not there) is no matter.
async fn step(scene: &mut Scene, random: &mut StdRng, number: usize) -> Result<()> {
    let room = scene.room.clone();
    let place = encode(&room);
    let guest = random.random_range(0..GUESTS);
    let guest_id = scene.guests[guest].user_id.clone();
    let call = |client: MatrixClient, action: &'static str, body: Value| {
        let path = format!("/_matrix/client/v3/rooms/{place}/{action}");
        async move { client.call(http::Method::POST, &path, Some(&body)).await }
    };
    let answer = match random.random_range(0..12) {
        0 | 1 => call(scene.guests[guest].clone(), "join", json!({})).await?,
        2 => call(scene.guests[guest].clone(), "leave", json!({})).await?,
        3 => call(scene.owner.clone(), "kick", json!({ "user_id": guest_id })).await?,
        4 => call(scene.owner.clone(), "invite", json!({ "user_id": guest_id })).await?,
        5 => return set(scene, "m.room.name", "", json!({ "name": format!("n{number}") })).await,
        6 => return set(scene, "m.room.topic", "", json!({ "topic": format!("{number}") })).await,
        7 => {
            let state_key = format!("k{}", random.random_range(0..4));
            return set(scene, "org.example.x", &state_key, json!({ "n": number })).await;
        }
        8 => {
            let mut levels = scene.owner.state(&room, "m.room.power_levels", "").await?;
            levels["events"]["org.example.x"] = json!(random.random_range(0..60));
            return set(scene, "m.room.power_levels", "", levels).await;
        }
        _ => {
            for part in 0..random.random_range(1..7) {
                scene.owner.send_text(&room, &format!("{number}.{part}")).await?;
            }
            return Ok(());
        }
    };
    ensure!(answer.status.as_u16() < 500, "{answer}");
    Ok(())
}

async fn set(scene: &Scene, kind: &str, state_key: &str, content: Value) -> Result<()> {
    scene.owner.set_state(&scene.room, kind, state_key, &content).await?;
    Ok(())
}

async fn run(server: &Server, seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut scene = scene(server).await?;
    let mut chains = Vec::new();
    for client in [&scene.watcher, &scene.owner, &scene.guests[0]] {
        for state_after in [false, true, false, true] {
            chains.push(Chain::new(client, state_after));
        }
    }
    let mut walks = [Walk::new(&scene.watcher), Walk::new(&scene.owner)];
    for number in 0..STEPS {
        step(&mut scene, &mut random, number).await.with_context(|| format!("step {number}"))?;
        for walk in &mut walks {
            if random.random_ratio(1, 5) {
                walk.sync(random.random_range(1..=5)).await?;
            }
        }
        for chain in &mut chains {
            match random.random_range(0..20) {
                0 => chain.go_back(&mut random),
                1..5 => {
                    let (limit, full) = (random.random_range(1..=5), random.random_ratio(1, 10));
                    chain.sync(&scene.room, limit, full).await?;
                }
                _ => {}
            }
        }
    }
    for walk in &mut walks {
        let user = walk.client.user_id.clone();
        walk.settle(&scene.room).await.with_context(|| format!("the syncs of {user} in a row"))?;
    }
    scene.guests[0].join(&scene.room).await?;
    for (number, chain) in chains.iter_mut().enumerate() {
        settle(chain, &scene.room, &mut random).await.with_context(|| {
            format!("chain {number} of {}, state_after {}", chain.client.user_id, chain.state_after)
        })?;
    }
    Ok(())
}

/// From where the chain stands, and again from every older token it had.
async fn settle(chain: &mut Chain, room: &str, random: &mut StdRng) -> Result<()> {
    let truth = full_state(&chain.client, room).await?;
    let mut places = std::mem::take(&mut chain.earlier);
    places.push((chain.client.since.clone(), chain.folded.clone()));
    for (since, folded) in places {
        chain.client.since.clone_from(&since);
        chain.folded = folded;
        let limit = random.random_range(1..=5);
        chain.sync(room, limit, false).await?;
        agrees(&chain.folded, &truth)
            .with_context(|| format!("from {since:?} with limit {limit}"))?;
    }
    Ok(())
}

fn difference(left: &RoomState, right: &RoomState) -> RoomState {
    let only = left.iter().filter(|(key, id)| right.get(*key) != Some(*id));
    only.map(|(key, id)| (key.clone(), id.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_chain_of_syncs_folds_to_the_state_of_the_room() -> Result<()> {
    let given = std::env::var("CHANCERY_SYNC_SEED").ok();
    let seeds = match given.map(|text| text.parse()).transpose()? {
        Some(seed) => vec![seed],
        None => SEEDS.to_vec(),
    };
    for seed in seeds {
        eprintln!("CHANCERY_SYNC_SEED={seed}");
        let server = Server::start().await?;
        run(&server, seed).await.with_context(|| format!("CHANCERY_SYNC_SEED={seed}"))?;
        server.finish().await?;
    }
    Ok(())
}

/// The answers that one member got in a row, while the room changed in between.
async fn answers(scene: &Scene, state_after: bool) -> Result<Vec<Value>> {
    let mut client = scene.watcher.clone();
    client.since = None;
    let dialect = if state_after { "&use_state_after=true" } else { "" };
    let mut answers = Vec::new();
    for number in 0..3 {
        let topic = json!({ "topic": format!("{state_after} {number}") });
        set(scene, "m.room.topic", "", topic).await?;
        let once = json!({ "n": number });
        set(scene, "org.example.once", &format!("{state_after} {number}"), once).await?;
        let (room, txn) = (&scene.room, format!("{state_after}{number}"));
        let said = json!({ "msgtype": "m.text", "body": "x" });
        scene.owner.send_under(room, "m.room.message", &txn, &said).await?.ok()?;
        answers.push(client.sync_with(0, dialect).await?);
    }
    Ok(answers)
}

fn folded(answers: &[Value], room: &str, state_after: bool) -> Result<RoomState> {
    let mut state = RoomState::new();
    for sync in answers {
        fold(&mut state, sync, room, state_after)?;
    }
    Ok(state)
}

async fn shown(client: &MatrixClient, answers: &[Value], room: &str) -> Result<Vec<Value>> {
    let mut seen = Timeline::default();
    for sync in answers {
        seen.take(client, sync).await?;
    }
    Ok(seen.events(room).to_vec())
}

fn timeline<'a>(sync: &'a mut Value, room: &str) -> Result<&'a mut Vec<Value>> {
    let events = sync["rooms"]["join"][room]["timeline"]["events"].as_array_mut();
    events.context("a timeline")
}

/// A lost answer and a wrong entry show in the folded state; a lost, a doubled and a moved event
/// show in the timeline.
async fn tampering_shows(scene: &Scene, state_after: bool) -> Result<()> {
    let room = &scene.room;
    let whole = answers(scene, state_after).await?;
    let truth = full_state(&scene.watcher, room).await?;
    let history = scene.watcher.history(room, 50).await?;
    agrees(&folded(&whole, room, state_after)?, &truth)?;
    complete(&shown(&scene.watcher, &whole, room).await?, &history)?;

    let mut lost = whole.clone();
    lost.remove(1);
    ensure!(agrees(&folded(&lost, room, state_after)?, &truth).is_err(), "an answer was lost");

    let mut wrong = whole.clone();
    let list = if state_after { "state_after" } else { "timeline" };
    let entry = &mut wrong[2]["rooms"]["join"][room][list]["events"][0]["event_id"];
    ensure!(entry.is_string(), "an entry to tamper with: {}", whole[2]);
    *entry = json!("$another");
    ensure!(agrees(&folded(&wrong, room, state_after)?, &truth).is_err(), "an entry is wrong");

    let mut less = whole.clone();
    timeline(&mut less[1], room)?.pop().context("an event")?;
    let less = shown(&scene.watcher, &less, room).await?;
    ensure!(complete(&less, &history).is_err(), "an event was lost");

    let mut more = whole.clone();
    let event = timeline(&mut more[1], room)?[0].clone();
    timeline(&mut more[2], room)?.push(event);
    let more = shown(&scene.watcher, &more, room).await;
    ensure!(more.is_err(), "an event was shown twice");

    let mut moved = whole;
    timeline(&mut moved[1], room)?.reverse();
    let moved = shown(&scene.watcher, &moved, room).await?;
    ensure!(complete(&moved, &history).is_err(), "events were moved");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_doubled_or_wrong_in_syncs_does_not_go_unnoticed() -> Result<()> {
    let server = Server::start().await?;
    let scene = scene(&server).await?;
    for state_after in [false, true] {
        tampering_shows(&scene, state_after)
            .await
            .with_context(|| format!("state_after {state_after}"))?;
    }
    server.finish().await
}
