//! Endpoints on the directory of public rooms.

mod set_room_visibility;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.endpoint(set_room_visibility::set_room_visibility)
}
