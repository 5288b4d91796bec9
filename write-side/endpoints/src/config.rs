//! Endpoints on account data.

mod set_global_account_data;
mod set_room_account_data;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(set_global_account_data::set_global_account_data)
        .endpoint(set_room_account_data::set_room_account_data)
}
