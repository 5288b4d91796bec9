//! `POST /keys/upload`.

use std::collections::BTreeMap;

use axum::extract::State;
use commands::user;
use decide::user::KeyUpload;
use http_edge::Matrix;
use ruma::{
    OneTimeKeyAlgorithm, OwnedOneTimeKeyId, UInt,
    api::client::keys::upload_keys::v3::{Request, Response},
    encryption::OneTimeKey,
    serde::Raw,
};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn upload_keys(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let device = identity.device()?.as_str();
    let upload = KeyUpload {
        device_keys: request.device_keys.map(|keys| keys.json().get().to_owned()),
        one_time_keys: as_sent(&request.one_time_keys),
        fallback_keys: as_sent(&request.fallback_keys),
    };
    let counts = user::upload_keys(&state.write_side, &identity.user, device, &upload).await?;
    let counts = counts
        .into_iter()
        .map(|(algorithm, count)| {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            (OneTimeKeyAlgorithm::from(algorithm), UInt::new_saturating(count))
        })
        .collect();
    answer(Response::new(counts))
}

fn as_sent(keys: &BTreeMap<OwnedOneTimeKeyId, Raw<OneTimeKey>>) -> Vec<(String, String)> {
    keys.iter().map(|(key_id, key)| (key_id.to_string(), key.json().get().to_owned())).collect()
}
