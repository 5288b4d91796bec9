//! Uploading cross-signing keys and signatures.

use std::collections::BTreeMap;

use decide::user::{
    self as rules, CrossSigningUpload, KeyHolder, SignatureFailure, SignatureUpload,
};
use ruma::UserId;

use super::{
    UserError,
    own_facts::{look, own, own_with},
};
use crate::{ViewWait, WriteSide};

/// Whether the person must authenticate again for this upload. Refuses what is malformed.
pub async fn needs_authentication(
    ws: &WriteSide,
    user: &UserId,
    upload: &CrossSigningUpload,
) -> Result<bool, UserError> {
    let uploaded = look(ws, user, |fold| rules::upload_cross_signing(fold, upload)).await?;
    Ok(uploaded.map_err(UserError::Refusal)?.needs_authentication)
}

/// Uploads cross-signing keys. `authenticated`: the person has authenticated for this; without
/// it an upload that needs it is refused as forbidden (the keys may have come meanwhile).
pub async fn upload_cross_signing(
    ws: &WriteSide,
    user: &UserId,
    upload: &CrossSigningUpload,
    authenticated: bool,
) -> Result<(), UserError> {
    own(ws, user, |fold| {
        let uploaded = rules::upload_cross_signing(fold, upload)?;
        if uploaded.needs_authentication && !authenticated {
            return Err(rules::UserRefusal::Forbidden);
        }
        Ok(uploaded.facts)
    })
    .await
}

struct MasterKeys(BTreeMap<String, String>);

impl KeyHolder for MasterKeys {
    fn master_key(&self, user_id: &str) -> Option<String> {
        self.0.get(user_id).cloned()
    }
}

/// Uploads signatures; answers those that were not taken. `remote_masters`: JSON of the master
/// keys of persons of other servers, by user id.
pub async fn upload_signatures(
    ws: &WriteSide,
    user: &UserId,
    uploads: &[SignatureUpload],
    remote_masters: BTreeMap<String, String>,
) -> Result<Vec<SignatureFailure>, UserError> {
    let mut masters = remote_masters;
    for upload in uploads.iter().take(rules::SIGNED_KEYS_MAX) {
        let Ok(other) = UserId::parse(&upload.user_id) else {
            continue;
        };
        let ours = other.server_name() == ws.identity().server_name;
        if !ours || other == user || ws.user_stream(&other)?.is_none() {
            continue;
        }
        let master = look(ws, &other, |fold| {
            let master = fold.cross_signing.master.as_ref();
            master.map(|key| key.json.clone())
        });
        if let Some(master) = master.await? {
            masters.insert(upload.user_id.clone(), master);
        }
    }
    let masters = MasterKeys(masters);
    let done = own_with(ws, user, ViewWait::Bounded, |fold| {
        rules::upload_signatures(fold, uploads, &masters)
    });
    Ok(done.await?.reply)
}
