//! Walking a room: pages, tokens, context, relations, threads, time.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::world::{World, refused};

fn ids(answer: &Value) -> Vec<String> {
    let chunk = answer["chunk"].as_array().expect("a chunk");
    chunk.iter().map(|event| event["event_id"].as_str().expect("an id").to_owned()).collect()
}

/// A room of alice and what was said in it, everything included, oldest first.
fn talk(lines: usize) -> (World, usize, Vec<String>) {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    let mut said = vec!["$event1".to_owned(), "$event2".to_owned()];
    for line in 0..lines {
        said.push(world.text(room, "alice", &format!("line {line}")));
    }
    (world, room, said)
}

/// All pages in one direction, put together.
async fn pages(world: &World, path: &str, limit: usize) -> Vec<String> {
    let mut all = Vec::new();
    let mut from = String::new();
    for _ in 0..100 {
        let answer = world.get("alice", &format!("{path}&limit={limit}{from}")).await.ok();
        let page = ids(&answer);
        assert!(page.len() <= limit);
        all.extend(page);
        match answer.get("end") {
            Some(end) => from = format!("&from={}", end.as_str().expect("a token")),
            None => return all,
        }
    }
    panic!("the walk does not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_are_the_whole_timeline_both_ways() {
    let (world, room, said) = talk(9);
    let path = format!("/v3/rooms/{}/messages", world.id(room));
    let backward: Vec<_> = said.iter().rev().cloned().collect();
    for limit in 1..=12 {
        assert_eq!(pages(&world, &format!("{path}?dir=f"), limit).await, said, "{limit}");
        assert_eq!(pages(&world, &format!("{path}?dir=b"), limit).await, backward, "{limit}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// `from` and `to` cut the same stretch in both directions, wherever they lie.
    #[test]
    fn tokens_cut_the_same_stretch_both_ways(first in 0_usize..11, last in 0_usize..11) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let (world, room, said) = talk(9);
            let (first, last) = (first.min(last), first.max(last));
            let path = format!("/v3/rooms/{}/messages?limit=100", world.id(room));
            let there = format!("{path}&dir=f&from=t0_{first}&to=t0_{last}");
            let back = format!("{path}&dir=b&from=t0_{last}&to=t0_{first}");
            let there = ids(&world.get("alice", &there).await.ok());
            let mut back = ids(&world.get("alice", &back).await.ok());
            back.reverse();
            assert_eq!(there, said[first..last]);
            assert_eq!(back, said[first..last]);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_token_is_a_point_in_every_room() {
    let (mut world, room, said) = talk(3);
    let sync = world.get("alice", "/v3/sync").await.ok();
    let token = sync["next_batch"].as_str().expect("a token").to_owned();
    let later = world.text(room, "alice", "later");
    let path = format!("/v3/rooms/{}/messages?limit=100&from={token}", world.id(room));
    let older = ids(&world.get("alice", &format!("{path}&dir=b")).await.ok());
    assert_eq!(older, said.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(ids(&world.get("alice", &format!("{path}&dir=f")).await.ok()), [later]);
    let prev = sync["rooms"]["join"][world.id(room)]["timeline"]["prev_batch"].clone();
    let prev = prev.as_str().expect("a token");
    let before = format!("/v3/rooms/{}/messages?dir=b&from={prev}", world.id(room));
    let before = world.get("alice", &before).await.ok();
    assert!(ids(&before).is_empty() && before.get("end").is_none(), "{before}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_filter_load_members_and_refuse() {
    let (mut world, room, _) = talk(2);
    world.state(room, "alice", "m.room.name", json!({"name": "n"}));
    let path = format!("/v3/rooms/{}/messages?dir=b", world.id(room));
    let filter = r#"{"types":["m.room.name"],"lazy_load_members":true}"#;
    let filter = filter.replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
    let answer = world.get("alice", &format!("{path}&filter={filter}")).await.ok();
    assert_eq!(ids(&answer).len(), 1);
    assert_eq!(answer["chunk"][0]["type"], "m.room.name");
    assert_eq!(answer["state"][0]["state_key"], "@alice:here.test");
    assert_eq!(world.get("bob", &path).await.refusal(), refused(403, "M_FORBIDDEN"));
    let forged = world.get("alice", &format!("{path}&from=nonsense")).await;
    assert_eq!(forged.refusal(), refused(400, "M_INVALID_PARAM"));
    let undirected = format!("/v3/rooms/{}/messages", world.id(room));
    assert_eq!(world.get("alice", &undirected).await.refusal(), refused(400, "M_MISSING_PARAM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_reads_up_to_the_leaving() {
    let mut world = World::with(&["alice", "bob"]);
    let room = world.room("alice");
    world.member(room, "bob", "join");
    let heard = world.text(room, "alice", "heard");
    let left = world.member(room, "bob", "leave");
    world.text(room, "alice", "unheard");
    let path = format!("/v3/rooms/{}/messages?limit=100", world.id(room));
    let back = ids(&world.get("bob", &format!("{path}&dir=b")).await.ok());
    assert_eq!(back[..2], [left.clone(), heard]);
    let there = ids(&world.get("bob", &format!("{path}&dir=f")).await.ok());
    assert_eq!(there.last(), Some(&left));
}

#[tokio::test(flavor = "multi_thread")]
async fn context_lies_around_its_event_and_can_be_paged_from() {
    let (world, room, said) = talk(7);
    let id = world.id(room);
    let path = format!("/v3/rooms/{id}/context/{}?limit=4", said[4]);
    let context = world.get("alice", &path).await.ok();
    let of = |part: &str| ids(&json!({"chunk": context[part]}));
    assert_eq!(context["event"]["event_id"], json!(said[4]));
    assert_eq!(of("events_before"), [said[3].clone(), said[2].clone()]);
    assert_eq!(of("events_after"), said[5..7]);
    assert!(context["state"].as_array().expect("state").len() >= 2);
    let start = context["start"].as_str().expect("a token");
    let end = context["end"].as_str().expect("a token");
    let older = format!("/v3/rooms/{id}/messages?dir=b&from={start}");
    assert_eq!(ids(&world.get("alice", &older).await.ok()), [said[1].clone(), said[0].clone()]);
    let newer = format!("/v3/rooms/{id}/messages?dir=f&from={end}");
    assert_eq!(ids(&world.get("alice", &newer).await.ok()), said[7..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn relations_by_kind_by_page_and_through_others() {
    let (mut world, room, _) = talk(0);
    let root = world.text(room, "alice", "root");
    let reply = world.related(room, "alice", "m.thread", &root);
    let edit = world.related(room, "alice", "m.replace", &root);
    let deep = world.related(room, "alice", "m.reference", &reply);
    let path = format!("/v1/rooms/{}/relations/{root}", world.id(room));
    let all = world.get("alice", &path).await.ok();
    assert_eq!(ids(&all), [edit.clone(), reply.clone()]);
    let forward = world.get("alice", &format!("{path}?dir=f&limit=1")).await.ok();
    assert_eq!(ids(&forward), std::slice::from_ref(&reply));
    let next = forward["next_batch"].as_str().expect("a token");
    let second = world.get("alice", &format!("{path}?dir=f&limit=1&from={next}")).await.ok();
    assert_eq!(ids(&second), [edit]);
    assert!(second.get("next_batch").is_none(), "{second}");
    let threads = world.get("alice", &format!("{path}/m.thread/m.room.message")).await.ok();
    assert_eq!(ids(&threads), [reply]);
    let recursive = world.get("alice", &format!("{path}/m.reference?recurse=true")).await.ok();
    assert_eq!((ids(&recursive), &recursive["recursion_depth"]), (vec![deep], &json!(3)));
    assert_eq!(world.get("bob", &path).await.refusal(), refused(404, "M_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn relations_of_many_kinds_page_without_overlap() {
    let (mut world, room, _) = talk(0);
    let root = world.text(room, "alice", "root");
    let mut related = Vec::new();
    for number in 0..30 {
        let content = json!({"m.relates_to": {"rel_type": format!("rel{}", number % 3),
            "event_id": root}});
        related.push(world.send(room, "alice", &format!("type{}", number % 4), None, content));
    }
    let path = format!("/v1/rooms/{}/relations/{root}", world.id(room));
    for direction in ["b", "f"] {
        for (suffix, every) in [("", 1), ("/rel1", 3), ("/rel1/type1", 12)] {
            let mut expected: Vec<_> =
                related.iter().skip(usize::from(every > 1)).step_by(every).cloned().collect();
            if direction == "b" {
                expected.reverse();
            }
            let mut found = Vec::new();
            let mut from = String::new();
            loop {
                let path = format!("{path}{suffix}?dir={direction}&limit=4{from}");
                let page = world.get("alice", &path).await.ok();
                found.extend(ids(&page));
                let Some(next) = page.get("next_batch") else { break };
                from = format!("&from={}", next.as_str().expect("a token"));
            }
            assert_eq!(found, expected, "{direction} {suffix}");
        }
    }
    // From the third last back to the third, both bounds as their tokens lie: before an event.
    let (third, last) = (3 + 2, 3 + 27);
    let part = format!("{path}?limit=100&from=t0_{last}&to=t0_{third}");
    let part = ids(&world.get("alice", &part).await.ok());
    let mut expected = related[2..27].to_vec();
    expected.reverse();
    assert_eq!(part, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_by_activity() {
    let (mut world, room, _) = talk(0);
    world.member(room, "bob", "join");
    let roots: Vec<_> = (0..3).map(|_| world.text(room, "alice", "root")).collect();
    for root in &roots {
        world.related(room, "alice", "m.thread", root);
    }
    world.related(room, "bob", "m.thread", &roots[0]);
    let path = format!("/v1/rooms/{}/threads", world.id(room));
    let first = world.get("alice", &format!("{path}?limit=2")).await.ok();
    assert_eq!(ids(&first), [roots[0].clone(), roots[2].clone()]);
    let summary = &first["chunk"][0]["unsigned"]["m.relations"]["m.thread"];
    assert_eq!(
        (&summary["count"], &summary["current_user_participated"]),
        (&json!(2), &json!(true))
    );
    let next = first["next_batch"].as_str().expect("a token");
    let rest = world.get("alice", &format!("{path}?from={next}")).await.ok();
    assert_eq!(ids(&rest), [roots[1].clone()]);
    assert!(rest.get("next_batch").is_none(), "{rest}");
    let own = world.get("bob", &format!("{path}?include=participated")).await.ok();
    assert_eq!(ids(&own), [roots[0].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_of_a_time() {
    let (world, room, said) = talk(3);
    let path = format!("/v1/rooms/{}/timestamp_to_event", world.id(room));
    // The n-th event was sent at n * 100.
    for (ts, dir, expected) in [(250, "f", &said[2]), (250, "b", &said[1]), (300, "f", &said[2])] {
        let found = world.get("alice", &format!("{path}?ts={ts}&dir={dir}")).await.ok();
        assert_eq!(found["event_id"], json!(expected), "{ts} {dir}");
    }
    let none = world.get("alice", &format!("{path}?ts=9999&dir=f")).await;
    assert_eq!(none.refusal(), refused(404, "M_NOT_FOUND"));
}
