//! Endpoints on receipts and read markers.

mod create_receipt;
mod move_receipt;
mod set_read_marker;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.endpoint(create_receipt::create_receipt).endpoint(set_read_marker::set_read_marker)
}
