//! Endpoints on a person's devices.

mod delete_device;
mod delete_devices;
mod update_device;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(update_device::update_device)
        .endpoint(delete_device::delete_device)
        .endpoint(delete_devices::delete_devices)
}
