//! What a new event costs before it reaches the log: canonical JSON, hashing and signing, parting
//! and joining.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use facts::pdu::{merge, split};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, RoomVersionId,
    canonical_json::to_canonical_value,
    signatures::{Ed25519KeyPair, hash_and_sign_event, reference_hash},
};

fn event() -> CanonicalJsonObject {
    let value = serde_json::json!({
        "auth_events": ["$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "$bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"],
        "content": {"body": "a message of ordinary length, as people write it", "msgtype": "m.text"},
        "depth": 1234,
        "org.chancery.salt": "aaaaaaaaaaaaaaaaaaaaaa",
        "origin_server_ts": 1_790_000_000_000_i64,
        "prev_events": ["$eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"],
        "room_id": "!rrrrrrrrrrrrrrrrrr:bench.example",
        "sender": "@person:bench.example",
        "type": "m.room.message",
    });
    match to_canonical_value(value) {
        Ok(CanonicalJsonValue::Object(object)) => object,
        other => panic!("not an object: {other:?}"),
    }
}

fn events(c: &mut Criterion) {
    let rules = RoomVersionId::V12.rules().expect("a known version");
    let key = Ed25519KeyPair::from_der(&Ed25519KeyPair::generate(), "a".to_owned()).expect("a key");
    let text = serde_json::to_vec(&event()).expect("JSON");
    c.bench_function("event/parse canonical JSON", |b| {
        b.iter(|| serde_json::from_slice::<CanonicalJsonObject>(black_box(&text)));
    });
    c.bench_function("event/hash and sign", |b| {
        b.iter_batched(
            event,
            |mut event| hash_and_sign_event("bench.example", &key, &mut event, &rules.redaction),
            criterion::BatchSize::SmallInput,
        );
    });
    let mut signed = event();
    hash_and_sign_event("bench.example", &key, &mut signed, &rules.redaction).expect("signed");
    c.bench_function("event/reference hash", |b| {
        b.iter(|| reference_hash(black_box(&signed), &rules));
    });
    c.bench_function("event/split", |b| b.iter(|| split(black_box(&signed), &rules.redaction)));
    let parts = split(&signed, &rules.redaction).expect("it can be redacted");
    c.bench_function("event/merge", |b| {
        b.iter(|| merge(black_box(&parts.redacted), parts.residue.as_deref(), &parts.rest));
    });
}

criterion_group!(benches, events);
criterion_main!(benches);
