//! A checkpoint against keys, and against an earlier one.

use event_log::ledger::{Checkpoint, VerifierKey, parse_hash_lines, verify_consistency};
use serde_json::json;

use super::{Verdict, Verify, read, trust};
use crate::cli::Failure;

pub(super) fn verify(
    command: &Verify,
    text: &str,
    keys: &[VerifierKey],
) -> anyhow::Result<Verdict> {
    let later = match trust::checkpoint(text, keys) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return Ok(Verdict::bad("checkpoint", &error)),
    };
    let Some(earlier) = &command.earlier else {
        return Ok(good(&later, None));
    };
    let earlier = match trust::checkpoint(&read(earlier)?, keys) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            return Ok(Verdict::bad("earlier_checkpoint", &format!("earlier checkpoint: {error}")));
        }
    };
    if let Some(why) = contradiction(&earlier, &later) {
        return Ok(Verdict::bad("inconsistent", &why));
    }
    let proof = proof(command, &earlier, &later)?;
    let holds = verify_consistency(earlier.size, later.size, &earlier.root, &later.root, &proof);
    if !holds {
        let why = format!(
            "the tree of {} entries does not go on from that of {}, or the proof is wrong",
            later.size, earlier.size
        );
        return Ok(Verdict::bad("inconsistent", &why));
    }
    Ok(good(&later, Some(&earlier)))
}

/// What two signed checkpoints show without any proof.
fn contradiction(earlier: &Checkpoint, later: &Checkpoint) -> Option<String> {
    if earlier.origin != later.origin {
        return Some(format!("they are of two logs, {} and {}", earlier.origin, later.origin));
    }
    if earlier.size > later.size {
        let (earlier, later) = (earlier.size, later.size);
        return Some(format!("the earlier checkpoint has {earlier} entries, the later {later}"));
    }
    let two = earlier.size == later.size && earlier.root != later.root;
    two.then(|| format!("both have {} entries and different roots: two histories", later.size))
}

fn proof(
    command: &Verify,
    earlier: &Checkpoint,
    later: &Checkpoint,
) -> anyhow::Result<Vec<[u8; 32]>> {
    let Some(path) = &command.consistency else {
        if earlier.size == later.size {
            return Ok(Vec::new());
        }
        return Err(Failure::new(
            format!("the proof from {} to {} entries is missing", earlier.size, later.size),
            "make it with `chancery ledger consistency` and name it with --consistency",
        )
        .into());
    };
    parse_hash_lines(&read(path)?).ok_or_else(|| {
        let what = format!("{} is no consistency proof", path.display());
        Failure::new(what, "make it with `chancery ledger consistency`").into()
    })
}

fn good(later: &Checkpoint, earlier: Option<&Checkpoint>) -> Verdict {
    let json = json!({
        "ok": true,
        "origin": later.origin,
        "size": later.size,
        "root": hex::encode(later.root),
        "earlier_size": earlier.map(|earlier| earlier.size),
        "finding": null,
    });
    let what = match earlier {
        Some(earlier) => format!("goes on from the one with {} entries", earlier.size),
        None => "is signed by a trusted key".to_owned(),
    };
    let (origin, size) = (&later.origin, later.size);
    Verdict::good(json, vec![format!("The checkpoint of {origin} with {size} entries {what}.")])
}
