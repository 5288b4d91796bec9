//! Sending messages to devices.

use std::collections::BTreeMap;

use decide::{
    inbox::InboxFold,
    user::{
        UserRefusal,
        send_to_device::{Addressed, ToDeviceMessages, fan_out},
    },
};
use facts::{
    Batch, Draft, Fact, Routing, StreamId,
    fact::{ClientTxn, ClientTxnRecorded, StreamKind},
};
use ruma::{OwnedUserId, UserId};

use super::{UserError, inbox::inbox_name, own_facts::look};
use crate::{TxnKey, ViewWait, WriteSide};

/// Messages of one request, by a local client or by a transaction of another server.
#[derive(Clone, Copy, Debug)]
pub struct SendToDevice<'a> {
    /// Who sends.
    pub sender: &'a UserId,
    /// The sending device; empty for another server.
    pub device_id: &'a str,
    /// `decide::user::send_to_device::SEND_TO_DEVICE`, or the EDU type for another server.
    pub endpoint: &'static str,
    /// The client's transaction id, or the EDU's message id.
    pub txn_id: &'a str,
    /// Event type.
    pub event_type: &'a str,
    /// Messages by user and device.
    pub messages: &'a ToDeviceMessages,
}

/// Queues messages, once for each transaction id. Messages to full inboxes are dropped.
///
/// All messages and the memory of the transaction are one batch: after a crash either all are
/// there and a retry is recognized, or none is.
pub async fn send_to_device(ws: &WriteSide, request: SendToDevice<'_>) -> Result<(), UserError> {
    let sender = ws.ensure_user::<UserRefusal>(request.sender)?;
    let key = TxnKey {
        user: sender,
        scope: sender,
        txn: ClientTxn {
            device_id: request.device_id.to_owned(),
            endpoint: request.endpoint.to_owned(),
            txn_id: request.txn_id.to_owned(),
        },
    };
    let _turn = ws.client_txn_turn::<UserRefusal>(&key).await?;
    if let Some(done) = ws.core().txn(&key, ws.now())? {
        return ws.core().settle(done.position, ViewWait::Bounded).await;
    }
    let devices = local_devices(ws, request.messages).await?;
    let addressed = fan_out(
        &ws.identity().server_name,
        request.sender.as_str(),
        request.event_type,
        request.messages,
        &|user| devices.get(user).cloned().unwrap_or_default(),
    )
    .map_err(UserError::Refusal)?;

    let mut drafts = drafts(ws, sender, addressed).await?;
    let recorded = Fact::from(ClientTxnRecorded {
        device_id: key.txn.device_id.clone(),
        endpoint: key.txn.endpoint.clone(),
        txn_id: key.txn.txn_id.clone(),
    });
    drafts.push(draft(&recorded, Routing::own(sender)));
    let batch = Batch { drafts, expects: Vec::new() };
    let headers = ws.core().append(batch)?;
    match headers.last() {
        Some(last) => ws.core().settle(last.position, ViewWait::Bounded).await,
        None => Ok(()),
    }
}

fn draft(fact: &Fact, routing: Routing) -> Draft {
    fact.draft(routing).expect("the routing names whose tree seals it")
}

/// Device ids of the local recipients.
async fn local_devices(
    ws: &WriteSide,
    messages: &ToDeviceMessages,
) -> Result<BTreeMap<String, Vec<String>>, UserError> {
    let mut devices = BTreeMap::new();
    for user_id in messages.keys() {
        let Ok(user) = UserId::parse(user_id) else {
            continue;
        };
        if user.server_name() != ws.identity().server_name || ws.user_stream(&user)?.is_none() {
            continue;
        }
        let of_user = look(ws, &user, |fold| fold.devices.keys().cloned().collect());
        devices.insert(user_id.clone(), of_user.await?);
    }
    Ok(devices)
}

async fn drafts(
    ws: &WriteSide,
    sender: StreamId,
    addressed: Vec<Addressed>,
) -> Result<Vec<Draft>, UserError> {
    let mut drafts = Vec::with_capacity(addressed.len() + 1);
    for Addressed { user_id, device_id, message } in addressed {
        let Ok(recipient) = OwnedUserId::try_from(user_id.as_str()) else {
            continue;
        };
        let person = ws.ensure_user::<UserRefusal>(&recipient)?;
        let name = inbox_name(&user_id, &device_id);
        let inbox = ws.ensure_stream::<UserRefusal>(StreamKind::DeviceInbox, &name)?;
        let guard = ws.actors::<InboxFold>().lock::<UserRefusal>(inbox).await?;
        if guard.fold().is_full() {
            metrics::counter!("chancery_to_device_dropped_total").increment(1);
            continue;
        }
        let routing = Routing {
            stream: inbox.into(),
            actor: sender.into(),
            person: Some(person.into()),
            cause: None,
        };
        drafts.push(draft(&message.into(), routing));
    }
    Ok(drafts)
}
