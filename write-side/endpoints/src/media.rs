//! Endpoints that take media in.

mod create_content;
mod create_content_async;
mod create_mxc_uri;
mod take_in;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(create_content::create_content)
        .endpoint(create_mxc_uri::create_mxc_uri)
        .endpoint(create_content_async::create_content_async)
}
