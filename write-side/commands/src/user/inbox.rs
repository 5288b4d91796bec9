//! Inboxes of devices: their fold as the runtime keeps it, and acknowledging.

use decide::{inbox::InboxFold, user::UserRefusal};
use facts::{EntryHeader, Fact, LogPosition, Routing, fact::StreamKind};
use ruma::UserId;

use super::UserError;
use crate::{Decision, SmallFold, WriteSide};

impl SmallFold for InboxFold {
    const KIND: StreamKind = StreamKind::DeviceInbox;

    fn apply(&mut self, header: &EntryHeader, fact: &Fact) {
        self.evolve(header, fact);
    }
}

/// Name of a device's inbox stream.
pub(super) fn inbox_name(user: &str, device_id: &str) -> String {
    format!("{user} {device_id}")
}

/// Notes that a device has every message through a position, which are then destroyed.
pub async fn acknowledge_to_device(
    ws: &WriteSide,
    user: &UserId,
    device_id: &str,
    through: LogPosition,
) -> Result<(), UserError> {
    let name = inbox_name(user.as_str(), device_id);
    let Some(stream) = ws.core().stream_named(StreamKind::DeviceInbox, &name)? else {
        return Ok(());
    };
    let decide = |inbox: &InboxFold| {
        let fact = inbox.acknowledge(through);
        let draft = fact.map(|fact| {
            fact.draft(Routing::server(stream)).expect("an acknowledgement has no personal part")
        });
        Ok::<_, UserRefusal>(Decision { drafts: draft.into_iter().collect(), reply: () })
    };
    ws.actors::<InboxFold>().execute(stream, decide).await?;
    Ok(())
}
