//! Facts from hostile CBOR, PDUs from hostile JSON: no panic, and what is parted joins again.
#![no_main]

use decide::pdu::Pdu;
use facts::{
    Fact,
    pdu::{merge, split},
};
use libfuzzer_sys::fuzz_target;
use ruma::{CanonicalJsonObject, event_id, room_id, room_version_rules::RoomVersionRules};

fuzz_target!(|data: &[u8]| {
    if let Some((&[high, low, cut], rest)) = data.split_first_chunk::<3>() {
        let fact_type = u16::from_be_bytes([high, low]) % 160;
        let (one, two) = rest.split_at(usize::from(cut).min(rest.len()));
        for parts in [&[Some(rest)][..], &[Some(one), Some(two)], &[None, Some(rest)]] {
            if let Ok(Some(fact)) = Fact::from_parts(fact_type, 1, parts) {
                round_trip(&fact);
            }
        }
    }
    if let Ok(object) = serde_json::from_slice::<CanonicalJsonObject>(data) {
        pdu(object);
    }
});

fn round_trip(fact: &Fact) {
    let parts = fact.to_parts();
    let bytes: Vec<_> = parts.iter().map(|part| Some(part.bytes.as_slice())).collect();
    let again = Fact::from_parts(fact.fact_type(), fact.version(), &bytes);
    assert_eq!(again.as_ref(), Ok(&Some(fact.clone())));
}

fn pdu(object: CanonicalJsonObject) {
    for rules in [RoomVersionRules::V6, RoomVersionRules::V12] {
        let Ok(parts) = split(&object, &rules.redaction) else { continue };
        let accepted = serde_json::to_vec(&object).expect("canonical JSON encodes");
        let joined = if parts.whole {
            parts.rest.clone()
        } else {
            merge(&parts.redacted, parts.residue.as_deref(), &parts.rest).expect("it was parted")
        };
        assert_eq!(joined, accepted);
    }
    let _ = Pdu::from_json(
        event_id!("$event:example.org").to_owned(),
        room_id!("!room:example.org"),
        object,
    );
}
