//! `POST /keys/signatures/upload`.
//!
//! Each signed key is taken or fails by itself. The uploader alone is shown what the uploader signed
//! of others.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use commands::user;
use decide::user::{SIGNED_KEYS_MAX, SignatureUpload, UserRefusal};
use http_edge::Matrix;
use ruma::{
    OwnedUserId,
    api::client::keys::upload_signatures::v3::{Failure, Request, Response},
};

use crate::{Answer, WriteEndpoints, answer, errors::Refusal as _};

pub(crate) async fn upload_signatures(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let uploads: Vec<SignatureUpload> = request
        .signed_keys
        .iter()
        .flat_map(|(user, keys)| {
            keys.iter().map(|(key_id, json)| SignatureUpload {
                user_id: user.to_string(),
                key_id: key_id.to_owned(),
                json: json.get().to_owned(),
            })
        })
        .collect();
    let masters = remote_masters(&state, request.signed_keys.keys()).await;
    let failed =
        user::upload_signatures(&state.write_side, &identity.user, &uploads, masters).await?;
    let mut failures: BTreeMap<OwnedUserId, BTreeMap<String, Failure>> = BTreeMap::new();
    for one in failed {
        let (Ok(user), Ok(failure)) = (OwnedUserId::try_from(one.user_id), failure(&one.refusal))
        else {
            continue;
        };
        failures.entry(user).or_default().insert(one.key_id, failure);
    }
    let mut response = Response::new();
    response.failures = failures;
    answer(response)
}

/// The master keys of persons of other servers, where they are known.
async fn remote_masters(
    state: &WriteEndpoints,
    signed: impl Iterator<Item = &OwnedUserId>,
) -> BTreeMap<String, String> {
    let theirs: BTreeSet<OwnedUserId> = signed
        .filter(|user| !state.is_ours(user.server_name()))
        .take(SIGNED_KEYS_MAX)
        .cloned()
        .collect();
    if theirs.is_empty() {
        return BTreeMap::new();
    }
    let masters = state.remote.master_keys(theirs).await.unwrap_or_else(|error| {
        // Their keys fail as unknown; the others are taken.
        tracing::info!(%error, "master keys of other servers' users were not found");
        BTreeMap::new()
    });
    masters.into_iter().map(|(user, json)| (user.to_string(), json)).collect()
}

/// ruma's type has no constructor.
fn failure(refusal: &UserRefusal) -> serde_json::Result<Failure> {
    serde_json::from_value(refusal.to_matrix().body().into())
}
