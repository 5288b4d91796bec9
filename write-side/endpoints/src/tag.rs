//! Endpoints on tags of rooms.

mod create_tag;
mod delete_tag;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.endpoint(create_tag::create_tag).endpoint(delete_tag::delete_tag)
}
