//! Endpoints on room aliases of this server.

mod create_alias;
mod delete_alias;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.endpoint(create_alias::create_alias).endpoint(delete_alias::delete_alias)
}
