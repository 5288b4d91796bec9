//! A tlog-proof file against keys.

use event_log::ledger::{TlogProof, VerifierKey};
use serde_json::json;

use super::{Verdict, Verify};
use crate::cli::Failure;

pub(super) fn verify(
    command: &Verify,
    text: &str,
    keys: &[VerifierKey],
) -> anyhow::Result<Verdict> {
    let digest = command.digest.as_deref().map(digest).transpose()?;
    let verified = TlogProof::parse(text)
        .and_then(|proof| proof.verify(keys, digest.as_ref()).map(|signed| (proof, signed)));
    let (proof, checkpoint) = match verified {
        Ok(verified) => verified,
        Err(error) => return Ok(Verdict::bad("proof", &Chain(&error))),
    };
    let digest = digest.or(proof.digest()).map(hex::encode);
    let json = json!({
        "ok": true,
        "position": proof.index,
        "size": checkpoint.size,
        "origin": checkpoint.origin,
        "digest": digest,
        "finding": null,
    });
    let words = format!(
        "The entry at position {} (digest {}) is in {} with {} entries.",
        proof.index,
        digest.unwrap_or_default(),
        checkpoint.origin,
        checkpoint.size,
    );
    Ok(Verdict::good(json, vec![words]))
}

fn digest(digits: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = hex::decode(digits).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| {
        let what = "the digest is not 64 hexadecimal digits";
        Failure::new(what, "take it as `chancery ledger prove --json` prints it").into()
    })
}

/// An error with its causes on one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
