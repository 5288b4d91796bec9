//! The endpoint of messages between devices.

mod send_event_to_device;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.endpoint(send_event_to_device::send_event_to_device)
}
