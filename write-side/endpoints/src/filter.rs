//! Endpoints on filters.

mod create_filter;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes.endpoint(create_filter::create_filter)
}
