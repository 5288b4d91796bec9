//! Adding signatures to keys (client-server API, `/keys/signatures/upload`).
//!
//! A signature is accepted only if the signed object is the stored one and the signature holds:
//! the owner's self-signing key signs the owner's devices, the owner's devices sign the owner's
//! master key, the uploader's user-signing key signs other persons' master keys.

use facts::{
    Fact,
    fact::{SignatureTarget, SignaturesAdded},
};
use ruma::CanonicalJsonObject;
use serde_json::json;

use super::{
    UserFold, UserRefusal,
    signatures::{holds, named_key, object, only_key, signatures_of, unsigned},
};

/// One request signs at most this many keys.
pub const SIGNED_KEYS_MAX: usize = 500;

/// Where the keys of another person are found: their fold if local, what was fetched if remote.
pub trait KeyHolder {
    /// JSON of a person's master key.
    fn master_key(&self, user_id: &str) -> Option<String>;
}

/// A signed object of the request.
#[derive(Clone, Debug)]
pub struct SignatureUpload {
    /// Owner of the key.
    pub user_id: String,
    /// Device id, or the public key of a cross-signing key.
    pub key_id: String,
    /// JSON of the signed object.
    pub json: String,
}

/// A signed object that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureFailure {
    /// Owner of the key.
    pub user_id: String,
    /// As in the request.
    pub key_id: String,
    /// `NotFound` or `InvalidSignature`.
    pub refusal: UserRefusal,
}

/// Decides an upload: each object by itself. Facts go into the uploader's stream.
pub fn upload_signatures(
    fold: &UserFold,
    uploads: &[SignatureUpload],
    others: &dyn KeyHolder,
) -> Result<(Vec<Fact>, Vec<SignatureFailure>), UserRefusal> {
    fold.active_account()?;
    if uploads.len() > SIGNED_KEYS_MAX {
        return Err(UserRefusal::LimitReached("signed keys"));
    }
    let mut facts = Vec::new();
    let mut failures = Vec::new();
    for upload in uploads {
        match one(fold, upload, others) {
            Ok(fact) => facts.push(fact.into()),
            Err(refusal) => failures.push(SignatureFailure {
                user_id: upload.user_id.clone(),
                key_id: upload.key_id.clone(),
                refusal,
            }),
        }
    }
    Ok((facts, failures))
}

fn one(
    fold: &UserFold,
    upload: &SignatureUpload,
    others: &dyn KeyHolder,
) -> Result<SignaturesAdded, UserRefusal> {
    let signed = object(&upload.json).ok_or(UserRefusal::InvalidSignature)?;
    let (target, stored) = target(fold, upload, others)?;
    if unsigned(stored) != unsigned(signed.clone()) {
        return Err(UserRefusal::InvalidSignature);
    }
    // The stored object's own signatures come along in the request; only what the rules name as a
    // signer of this target is taken.
    let good: serde_json::Map<_, _> = signatures_of(&signed, &fold.user_id)
        .filter(|(key_id, signature)| {
            signer(fold, upload, &target, key_id)
                .is_some_and(|public| holds(&signed, &public, signature))
        })
        .map(|(key_id, signature)| (key_id.to_owned(), signature.into()))
        .collect();
    if good.is_empty() {
        return Err(UserRefusal::InvalidSignature);
    }
    Ok(SignaturesAdded {
        user_id: upload.user_id.clone(),
        target,
        signatures: json!({ fold.user_id.as_str(): good }).to_string().into_bytes(),
    })
}

fn target(
    fold: &UserFold,
    upload: &SignatureUpload,
    others: &dyn KeyHolder,
) -> Result<(SignatureTarget, CanonicalJsonObject), UserRefusal> {
    let missing = UserRefusal::NotFound("key");
    if upload.user_id == fold.user_id
        && let Some(device) = fold.devices.get(&upload.key_id)
    {
        let keys = device.keys.as_ref().and_then(|keys| object(&keys.json));
        let target = SignatureTarget::Device(upload.key_id.clone());
        return Ok((target, keys.ok_or(missing)?));
    }
    let master = if upload.user_id == fold.user_id {
        fold.cross_signing.master.as_ref().map(|key| key.json.clone())
    } else {
        others.master_key(&upload.user_id)
    };
    let master = master.and_then(|json| object(&json)).ok_or(missing.clone())?;
    match only_key(&master) {
        Some((_, public)) if public == upload.key_id => {
            let target = SignatureTarget::CrossSigning(public.to_owned());
            Ok((target, master))
        }
        _ => Err(missing),
    }
}

/// The public key that `key_id` names, where it may sign this target.
fn signer(
    fold: &UserFold,
    upload: &SignatureUpload,
    target: &SignatureTarget,
    key_id: &str,
) -> Option<String> {
    let own = upload.user_id == fold.user_id;
    let cross = match (target, own) {
        (SignatureTarget::Device(_), _) => fold.cross_signing.self_signing.as_ref()?,
        (SignatureTarget::CrossSigning(_), false) => fold.cross_signing.user_signing.as_ref()?,
        (SignatureTarget::CrossSigning(_), true) => {
            let device = fold.devices.get(key_id.strip_prefix("ed25519:")?)?;
            let keys = object(&device.keys.as_ref()?.json)?;
            return named_key(&keys, key_id).map(str::to_owned);
        }
    };
    let key = object(&cross.json)?;
    let (id, public) = only_key(&key)?;
    (id == key_id).then(|| public.to_owned())
}
