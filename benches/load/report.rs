//! What the figures mean next to each other.

use serde_json::{Map, Value, json};

/// The server's sending as a multiple of the bare limit of the same run; `null` unless both were
/// measured. Latencies: more is slower. Rate: less is slower.
pub(crate) fn ratios(results: &Map<String, Value>) -> Value {
    let (Some(send), Some(bare)) = (results.get("send"), results.get("bare")) else {
        return Value::Null;
    };
    let ratio = |pointer: &str| {
        let value = send.pointer(pointer)?.as_f64()?;
        let limit = bare.pointer(pointer)?.as_f64()?;
        (limit > 0.0).then(|| (value / limit * 100.0).round() / 100.0)
    };
    json!({
        "rate": ratio("/per_second"),
        "p50": ratio("/latency/p50_ms"),
        "p95": ratio("/latency/p95_ms"),
        "p99": ratio("/latency/p99_ms"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_need_both_and_say_by_how_much() {
        let mut results = Map::new();
        results.insert(
            "send".to_owned(),
            json!({ "per_second": 500.0, "latency": { "p50_ms": 30.0, "p99_ms": 90.0 } }),
        );
        assert_eq!(ratios(&results), Value::Null);
        results.insert(
            "bare".to_owned(),
            json!({ "per_second": 2000.0, "latency": { "p50_ms": 10.0, "p99_ms": 0.0 } }),
        );
        let ratios = ratios(&results);
        assert_eq!(ratios["rate"], 0.25);
        assert_eq!(ratios["p50"], 3.0);
        assert_eq!(ratios["p99"], Value::Null);
    }
}
