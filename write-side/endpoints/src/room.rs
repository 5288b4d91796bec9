//! Endpoints that make rooms.

mod create_room;
mod upgrade_room;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.endpoint(create_room::create_room).endpoint(upgrade_room::upgrade_room)
}
