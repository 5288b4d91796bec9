//! What a verification answers, for people and for scripts.

use serde_json::{Value, json};

pub(super) struct Verdict {
    pub(super) ok: bool,
    pub(super) json: Value,
    /// Lines for people.
    pub(super) words: Vec<String>,
}

impl Verdict {
    pub(super) fn good(json: Value, words: Vec<String>) -> Self {
        Self { ok: true, json, words }
    }

    /// Something does not hold. `kind` is for scripts.
    pub(super) fn bad(kind: &str, why: &impl std::fmt::Display) -> Self {
        let finding = json!({ "kind": kind, "why": why.to_string() });
        let json = json!({ "ok": false, "finding": finding });
        Self { ok: false, json, words: vec![format!("NOT VERIFIED: {why}.")] }
    }
}
