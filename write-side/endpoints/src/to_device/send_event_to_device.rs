//! `PUT /sendToDevice/{eventType}/{txnId}`.

use axum::extract::State;
use commands::user::{SendToDevice, send_to_device};
use decide::user::send_to_device::{SEND_TO_DEVICE, ToDeviceMessages};
use http_edge::Matrix;
use ruma::api::client::to_device::send_event_to_device::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn send_event_to_device(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    let messages: ToDeviceMessages = request
        .messages
        .iter()
        .map(|(user, by_device)| {
            let by_device = by_device
                .iter()
                .map(|(device, content)| (device.to_string(), content.json().get().to_owned()));
            (user.to_string(), by_device.collect())
        })
        .collect();
    let device = identity.device.as_ref().map_or("", |device| device.as_str());
    let wish = SendToDevice {
        sender: &identity.user,
        device_id: device,
        endpoint: SEND_TO_DEVICE,
        txn_id: request.txn_id.as_str(),
        event_type: &request.event_type.to_string(),
        messages: &messages,
    };
    send_to_device(&state.write_side, wish).await?;
    answer(Response::new())
}
