//! Endpoints that make rooms.

mod create_room;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.endpoint(create_room::create_room)
}
