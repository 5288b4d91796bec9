//! Endpoints that send events.

mod redact_event;
mod send_message_event;
mod send_state_event;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    let state = "/_matrix/client/v3/rooms/{room_id}/state/{event_type}";
    let old_state = "/_matrix/client/r0/rooms/{room_id}/state/{event_type}";
    routes
        .endpoint(send_message_event::send_message_event)
        .endpoint(redact_event::redact_event)
        .endpoint(send_state_event::send_state_event)
        // An empty state key may be left out, with its slash or without.
        .endpoint_at(state, send_state_event::send_state_event)
        .endpoint_at(&format!("{state}/"), send_state_event::send_state_event)
        .endpoint_at(old_state, send_state_event::send_state_event)
        .endpoint_at(&format!("{old_state}/"), send_state_event::send_state_event)
}
