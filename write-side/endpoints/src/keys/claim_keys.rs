//! `POST /keys/claim`.

use std::collections::BTreeMap;

use axum::extract::State;
use commands::user::{self, ClaimedKeys};
use http_edge::{Matrix, MatrixError};
use ruma::{
    OneTimeKeyId, OwnedUserId,
    api::client::keys::claim_keys::v3::{OneTimeKeys, Request, Response},
    serde::Raw,
};
use serde_json::value::RawValue;

use crate::{Answer, RemoteKeys, WantedKeys, WriteEndpoints, answer};

pub(crate) async fn claim_keys(
    State(state): State<WriteEndpoints>,
    Matrix { request, .. }: Matrix<Request>,
) -> Answer<Response> {
    let mut ours = BTreeMap::new();
    let mut theirs = WantedKeys::new();
    for (user, devices) in request.one_time_keys {
        if state.is_ours(user.server_name()) {
            let devices: BTreeMap<String, String> = devices
                .into_iter()
                .map(|(device, algorithm)| (device.to_string(), algorithm.to_string()))
                .collect();
            ours.insert(user, devices);
        } else {
            let devices =
                devices.into_iter().map(|(device, algorithm)| (device, algorithm.to_string()));
            theirs.insert(user, devices.collect());
        }
    }
    let claimed = user::claim_keys(&state.write_side, &ours).await?;
    let remote = if theirs.is_empty() {
        RemoteKeys::default()
    } else {
        state.remote.claim_keys(theirs).await?
    };
    let mut response = Response::new(remote.one_time_keys);
    response.failures = remote.failures;
    for (user, keys) in claimed_json(claimed)? {
        response.one_time_keys.insert(user, keys);
    }
    answer(response)
}

/// What is stored was checked when it was uploaded; anything else is a fault of this server.
fn claimed_json(claimed: ClaimedKeys) -> Result<BTreeMap<OwnedUserId, OneTimeKeys>, MatrixError> {
    let fault = |_| MatrixError::internal();
    let mut all = BTreeMap::new();
    for (user, devices) in claimed {
        let mut of_user = OneTimeKeys::new();
        for (device, (key_id, json)) in devices {
            let key_id = OneTimeKeyId::parse(key_id).map_err(|_| MatrixError::internal())?;
            let key = Raw::from_json(RawValue::from_string(json).map_err(fault)?);
            of_user.insert(device.into(), BTreeMap::from([(key_id, key)]));
        }
        all.insert(user, of_user);
    }
    Ok(all)
}
