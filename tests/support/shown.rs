//! What clients are shown, to be compared with what they are shown later.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;

/// What clients see, by request.
pub(crate) type Shown = BTreeMap<String, Value>;

/// Takes away tokens, ages, and presence, which is not in the log.
pub(crate) fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in ["next_batch", "prev_batch", "start", "end", "age", "presence"] {
                map.remove(key);
            }
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

pub(crate) fn compare(before: &Shown, after: &Shown, how: &str) -> Result<()> {
    for (request, was) in before {
        let is = after.get(request);
        ensure!(is == Some(was), "{how}: {request} showed {was}\nand shows {is:?}");
    }
    ensure!(before.len() == after.len(), "{how}: other requests were made");
    Ok(())
}
