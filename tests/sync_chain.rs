//! A client that keeps a room's state by folding `/sync` has the room's state, whatever tokens it
//! took on the way: syncs left out, short timelines, older tokens used again, both dialects, and
//! a member that leaves, is removed and comes back.
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
        let lists: &[&str] =
            if self.state_after { &["state_after"] } else { &["state", "timeline"] };
        for membership in ["leave", "join"] {
            let update = &sync["rooms"][membership][room];
            for list in lists {
                for event in update[list]["events"].as_array().into_iter().flatten() {
                    if event.get("state_key").is_some() {
                        self.folded.insert(key(event)?, text(event, "event_id")?);
                    }
                }
            }
        }
        Ok(())
    }

    fn go_back(&mut self, random: &mut StdRng) {
        if !self.earlier.is_empty() {
            let place = random.random_range(0..self.earlier.len());
            (self.client.since, self.folded) = self.earlier[place].clone();
        }
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
    for number in 0..STEPS {
        step(&mut scene, &mut random, number).await.with_context(|| format!("step {number}"))?;
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
        ensure!(
            chain.folded == truth,
            "from {since:?} with limit {limit}: folded but not so {:?}, so but not folded {:?}",
            difference(&chain.folded, &truth),
            difference(&truth, &chain.folded),
        );
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
