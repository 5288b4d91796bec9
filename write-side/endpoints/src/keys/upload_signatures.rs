//! `POST /keys/signatures/upload`.

use std::collections::BTreeMap;

use axum::extract::State;
use commands::user;
use decide::user::{SignatureUpload, UserRefusal};
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
    let masters = BTreeMap::new();
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

/// ruma's type has no constructor.
fn failure(refusal: &UserRefusal) -> serde_json::Result<Failure> {
    serde_json::from_value(refusal.to_matrix().body().into())
}
