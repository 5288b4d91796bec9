//! Every fact of the two streams is told.

use std::collections::BTreeSet;

use facts::{EntryHeader, Incarnation, KeyEpoch, LogPosition, Revision, StreamId, Timestamp};
use serde_json::json;

use super::*;

#[path = "../../../../write-side/facts/tests/support/audit_samples.rs"]
mod audit_samples;
#[path = "../../../../write-side/facts/tests/support/governance_samples.rs"]
mod governance_samples;
#[path = "../../../../write-side/facts/tests/support/policy_samples.rs"]
mod policy_samples;

const ROOM: &str = "!room:example.org";
const USER: &str = "@alice:example.org";

fn device() -> String {
    "DEVICE".to_owned()
}

fn header(fact_type: u16) -> EntryHeader {
    EntryHeader {
        position: LogPosition(7),
        stream: StreamId(1),
        revision: Revision(0),
        incarnation: Incarnation(1),
        fact_type,
        fact_version: 1,
        recorded_at: Timestamp(9),
        key_epoch: KeyEpoch(1),
        batch: LogPosition(7),
        actor: StreamId(0),
        cause: LogPosition(7),
        parts: Vec::new(),
    }
}

fn samples() -> Vec<(&'static str, Fact)> {
    let mut all = audit_samples::logins();
    all.extend(audit_samples::sessions());
    all.extend(audit_samples::administration());
    all.extend(audit_samples::exports());
    all.extend(governance_samples::roles());
    all.extend(governance_samples::cases());
    all.extend(governance_samples::accesses());
    all.extend(policy_samples::policies());
    all.extend(policy_samples::holds());
    all.extend(policy_samples::erasures());
    all
}

#[test]
fn every_fact_of_the_trail_names_its_kind_and_who_acted() {
    let mut shown = BTreeSet::new();
    for (case, fact) in samples() {
        let item = audit_json(&header(fact.fact_type()), Some(&fact));
        assert_eq!(item["destroyed"], false, "{case} {item}");
        assert_eq!(item["position"], 7);
        assert!(item["kind"].is_string() && item["details"].is_object(), "{case} {item}");
        let failed = item["kind"] == "login_recorded" && item["details"]["outcome"] != "accepted";
        assert_eq!(item["actor"].is_string(), !failed, "{case} {item}");
        shown.insert(fact.fact_type());
    }
    let all: BTreeSet<u16> = kinds().map(|(number, _)| number).collect();
    assert_eq!(shown, all, "a fact of the audit or governance stream that is not told");
}

#[test]
fn an_entry_is_found_by_whom_it_names_and_not_by_its_reason() {
    let (_, asked) = governance_samples::roles().swap_remove(1);
    let item = audit_json(&header(asked.fact_type()), Some(&asked));
    assert_eq!(item["kind"], "role_requested");
    assert_eq!(item["subject"], USER);
    assert!(concerns(&item, USER) && concerns(&item, "@officer:example.org"));
    assert!(!concerns(&item, "inquiry 7") && !concerns(&item, "@bob:example.org"));
    assert_eq!(item["details"], json!({ "role": "compliance_officer", "grantee": USER }));
}

#[test]
fn what_can_no_longer_be_read_is_shown_as_that() {
    let item = audit_json(&header(178), None);
    assert_eq!(item["kind"], "login_recorded");
    assert_eq!(item["destroyed"], true);
    assert_eq!(item["actor"], Value::Null);
}

/// Whether something tells bytes as a list of numbers.
fn tells_bytes(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            items.len() >= 16 && items.iter().all(Value::is_u64) || items.iter().any(tells_bytes)
        }
        Value::Object(members) => members.values().any(tells_bytes),
        _ => false,
    }
}

#[test]
fn digests_are_told_in_hexadecimal_and_no_bytes_as_numbers() {
    for (case, fact) in samples() {
        let item = audit_json(&header(fact.fact_type()), Some(&fact));
        assert!(!tells_bytes(&item), "{case} {item}");
        if item["kind"] == "export_sealed" {
            assert_eq!(item["details"]["manifest_sha256"], "07".repeat(32));
        }
    }
}
