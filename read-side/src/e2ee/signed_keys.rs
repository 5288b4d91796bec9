//! Public keys with all signatures that a reader is owed.
//!
//! Owns the merging of signatures that were added after the upload: those by the owner, and those
//! by the reader, who alone sees them.

use facts::{StreamId, fact::SignatureTarget};
use projections::{
    Snapshot,
    query::{CrossSigningUsage, DeviceKeysInfo, StoreError},
};
use serde_json::{Map, Value, json};

/// Whose keys are read, and by whom.
pub(super) struct KeyReading<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) owner: StreamId,
    pub(super) owner_id: &'a str,
    /// `None` for a reader that signs nothing.
    pub(super) viewer: Option<StreamId>,
}

impl KeyReading<'_> {
    /// A device's keys with its name in `unsigned`.
    pub(super) fn device(&self, info: &DeviceKeysInfo) -> Result<Option<Value>, StoreError> {
        let Ok(mut keys) = serde_json::from_slice::<Map<String, Value>>(&info.keys) else {
            return Ok(None);
        };
        self.merge(&mut keys, &SignatureTarget::Device(info.device_id.clone()))?;
        if let Some(name) = &info.display_name {
            let unsigned = json!({ "device_display_name": name });
            keys.insert("unsigned".to_owned(), unsigned);
        }
        Ok(Some(Value::Object(keys)))
    }

    /// A cross-signing key.
    pub(super) fn cross_signing(
        &self,
        usage: CrossSigningUsage,
    ) -> Result<Option<Value>, StoreError> {
        let Some(json) = self.snapshot.cross_signing_key(self.owner, usage)? else {
            return Ok(None);
        };
        let Ok(mut key) = serde_json::from_slice::<Map<String, Value>>(&json) else {
            return Ok(None);
        };
        if let Some(public) = public_key(&key) {
            self.merge(&mut key, &SignatureTarget::CrossSigning(public))?;
        }
        Ok(Some(Value::Object(key)))
    }

    fn merge(
        &self,
        keys: &mut Map<String, Value>,
        target: &SignatureTarget,
    ) -> Result<(), StoreError> {
        let added =
            self.snapshot.added_signatures(self.owner_id, target, self.owner, self.viewer)?;
        for json in added {
            if let Ok(signatures) = serde_json::from_slice::<Map<String, Value>>(&json) {
                merge_signatures(keys, signatures);
            }
        }
        Ok(())
    }
}

/// The only key in `keys`, without its algorithm.
fn public_key(key: &Map<String, Value>) -> Option<String> {
    key.get("keys")?.as_object()?.values().next()?.as_str().map(str::to_owned)
}

/// Adds signatures, signer by signer; the newest of one signing key wins.
fn merge_signatures(keys: &mut Map<String, Value>, added: Map<String, Value>) {
    let all = keys.entry("signatures").or_insert_with(|| json!({}));
    for (signer, signatures) in added {
        let Some(all) = all.as_object_mut() else { return };
        match (all.entry(signer).or_insert_with(|| json!({})), signatures) {
            (Value::Object(of_signer), Value::Object(signatures)) => of_signer.extend(signatures),
            (other, signatures) => *other = signatures,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_added_to_those_of_the_upload() {
        let mut keys = json!({"signatures": {"@a:b": {"ed25519:D": "own"}}});
        let added = json!({"@a:b": {"ed25519:S": "self"}, "@c:b": {"ed25519:U": "user"}});
        if let (Value::Object(keys), Value::Object(added)) = (&mut keys, added) {
            merge_signatures(keys, added);
        }
        assert_eq!(
            keys,
            json!({"signatures": {
                "@a:b": {"ed25519:D": "own", "ed25519:S": "self"},
                "@c:b": {"ed25519:U": "user"},
            }})
        );
    }
}
