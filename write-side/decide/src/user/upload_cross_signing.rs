//! Uploading cross-signing keys (client-server API, `/keys/device_signing/upload`).
//!
//! Owns the checks of the keys, and the answer to whether the person must authenticate again: not
//! for the first upload and not for what is there already (since 1.11).

use facts::{Fact, fact::CrossSigningKeysSet};
use ruma::{CanonicalJsonObject, CanonicalJsonValue};

use super::{
    StoredJson, UserFold, UserRefusal,
    signatures::{holds, object, only_key, signatures_of, unsigned},
};

/// A key is at most this many bytes.
const KEY_BYTES_MAX: usize = 16 * 1024;

/// The keys of a request, each as JSON.
#[derive(Clone, Debug, Default)]
pub struct CrossSigningUpload {
    /// Master key.
    pub master: Option<String>,
    /// Self-signing key.
    pub self_signing: Option<String>,
    /// User-signing key.
    pub user_signing: Option<String>,
}

/// What an upload comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedCrossSigning {
    /// The person must authenticate again before the facts are appended.
    pub needs_authentication: bool,
    /// Nothing where all keys are there already.
    pub facts: Vec<Fact>,
}

/// Decides an upload.
pub fn upload_cross_signing(
    fold: &UserFold,
    upload: &CrossSigningUpload,
) -> Result<UploadedCrossSigning, UserRefusal> {
    fold.active_account()?;
    let stored = &fold.cross_signing;
    let master = read(fold, upload.master.as_deref(), "master")?;
    let self_signing = read(fold, upload.self_signing.as_deref(), "self_signing")?;
    let user_signing = read(fold, upload.user_signing.as_deref(), "user_signing")?;

    let old_master = stored.master.as_ref().and_then(|old| object(&old.json));
    let signer = master.as_ref().or(old_master.as_ref());
    for key in self_signing.iter().chain(&user_signing) {
        check_signed_by(fold, key, signer)?;
    }

    let new_master = changed(stored.master.as_ref(), master);
    let new_self_signing = changed(stored.self_signing.as_ref(), self_signing);
    let new_user_signing = changed(stored.user_signing.as_ref(), user_signing);
    let fact = CrossSigningKeysSet {
        master: new_master.then(|| bytes(upload.master.as_ref())).flatten(),
        self_signing: new_self_signing.then(|| bytes(upload.self_signing.as_ref())).flatten(),
        user_signing: new_user_signing.then(|| bytes(upload.user_signing.as_ref())).flatten(),
    };
    let any = new_master || new_self_signing || new_user_signing;
    Ok(UploadedCrossSigning {
        needs_authentication: any && stored.master.is_some(),
        facts: if any { vec![fact.into()] } else { Vec::new() },
    })
}

fn bytes(json: Option<&String>) -> Option<Vec<u8>> {
    json.map(|json| json.as_bytes().to_vec())
}

fn read(
    fold: &UserFold,
    json: Option<&str>,
    usage: &'static str,
) -> Result<Option<CanonicalJsonObject>, UserRefusal> {
    let Some(json) = json else {
        return Ok(None);
    };
    if json.len() > KEY_BYTES_MAX {
        return Err(UserRefusal::TooLarge("a cross-signing key"));
    }
    let key = object(json).ok_or(UserRefusal::BadJson("a cross-signing key"))?;
    let of_owner = key.get("user_id").and_then(CanonicalJsonValue::as_str) == Some(&fold.user_id);
    let has_usage = key
        .get("usage")
        .and_then(CanonicalJsonValue::as_array)
        .is_some_and(|usages| usages.iter().any(|one| one.as_str() == Some(usage)));
    if !of_owner || !has_usage || only_key(&key).is_none() {
        return Err(UserRefusal::InvalidParam("a cross-signing key"));
    }
    Ok(Some(key))
}

/// Self-signing and user-signing keys must be signed by the master key.
fn check_signed_by(
    fold: &UserFold,
    key: &CanonicalJsonObject,
    master: Option<&CanonicalJsonObject>,
) -> Result<(), UserRefusal> {
    let master = master.ok_or(UserRefusal::MissingParam("master_key"))?;
    let (key_id, public) = only_key(master).ok_or(UserRefusal::InvalidSignature)?;
    let signed = signatures_of(key, &fold.user_id)
        .any(|(id, signature)| id == key_id && holds(key, public, signature));
    if signed { Ok(()) } else { Err(UserRefusal::InvalidSignature) }
}

fn changed(old: Option<&StoredJson>, new: Option<CanonicalJsonObject>) -> bool {
    let Some(new) = new else {
        return false;
    };
    let old = old.and_then(|old| object(&old.json));
    old.map(unsigned) != Some(unsigned(new))
}
