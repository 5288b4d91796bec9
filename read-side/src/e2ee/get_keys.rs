//! `POST /_matrix/client/v3/keys/query`. Open to guests.
//!
//! Owns the answer for users of this server. Servers of other users are told as `failures`: their
//! keys are no matter of views.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use facts::StreamId;
use http_edge::{Matrix, MatrixError};
use projections::{
    Snapshot,
    query::{CrossSigningUsage, DeviceKeysInfo, StoreError},
};
use ruma::{OwnedDeviceId, OwnedUserId, api::client::keys::get_keys::v3::Request};
use serde_json::{Map, Value, json};

use super::signed_keys::KeyReading;
use crate::state::ReadSide;

/// Client-server API, `queryKeys`.
pub(crate) async fn get_keys(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    let viewer = identity.user_stream;
    let (local, remote): (BTreeMap<_, _>, BTreeMap<_, _>) =
        request.device_keys.into_iter().partition(|(user, _)| read.is_local(user));
    let failures: Map<String, Value> =
        remote.keys().map(|user| (user.server_name().to_string(), json!({}))).collect();
    let mut answer = read.ask(move |snapshot| Ok(keys_of_all(snapshot, &local, viewer)?)).await?;
    answer.insert("failures".to_owned(), Value::Object(failures));
    Ok(Json(Value::Object(answer)))
}

#[derive(Default)]
struct Answer {
    device_keys: Map<String, Value>,
    master: Map<String, Value>,
    self_signing: Map<String, Value>,
    user_signing: Map<String, Value>,
}

fn keys_of_all(
    snapshot: &Snapshot,
    wanted: &BTreeMap<OwnedUserId, Vec<OwnedDeviceId>>,
    viewer: StreamId,
) -> Result<Map<String, Value>, StoreError> {
    let mut answer = Answer::default();
    for (user_id, devices) in wanted {
        let owner_id = user_id.as_str();
        let Some(owner) = snapshot.user(owner_id)? else { continue };
        let reading = KeyReading { snapshot, owner, owner_id, viewer: Some(viewer) };
        answer.add(&reading, devices, viewer)?;
    }
    let parts = [
        ("device_keys", answer.device_keys),
        ("master_keys", answer.master),
        ("self_signing_keys", answer.self_signing),
        ("user_signing_keys", answer.user_signing),
    ];
    Ok(parts.into_iter().map(|(name, keys)| (name.to_owned(), Value::Object(keys))).collect())
}

impl Answer {
    fn add(
        &mut self,
        of: &KeyReading<'_>,
        devices: &[OwnedDeviceId],
        viewer: StreamId,
    ) -> Result<(), StoreError> {
        let mut keys = Map::new();
        for info in devices_of(of.snapshot, of.owner, devices)? {
            if let Some(json) = of.device(&info)? {
                keys.insert(info.device_id, json);
            }
        }
        let owner_id = of.owner_id.to_owned();
        self.device_keys.insert(owner_id.clone(), Value::Object(keys));
        if let Some(key) = of.cross_signing(CrossSigningUsage::Master)? {
            self.master.insert(owner_id.clone(), key);
        }
        if let Some(key) = of.cross_signing(CrossSigningUsage::SelfSigning)? {
            self.self_signing.insert(owner_id.clone(), key);
        }
        // Whom somebody verified is their own business.
        if of.owner == viewer
            && let Some(key) = of.cross_signing(CrossSigningUsage::UserSigning)?
        {
            self.user_signing.insert(owner_id, key);
        }
        Ok(())
    }
}

/// An empty list asks for all devices.
fn devices_of(
    snapshot: &Snapshot,
    owner: StreamId,
    devices: &[OwnedDeviceId],
) -> Result<Vec<DeviceKeysInfo>, StoreError> {
    if devices.is_empty() {
        return snapshot.all_device_keys(owner);
    }
    let mut found = Vec::new();
    for device in devices {
        found.extend(snapshot.device_keys(owner, device.as_str())?);
    }
    Ok(found)
}
