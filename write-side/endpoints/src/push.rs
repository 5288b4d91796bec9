//! Endpoints on push rules.

mod delete_pushrule;
mod set_pushrule;
mod set_pushrule_actions;
mod set_pushrule_enabled;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(set_pushrule::set_pushrule)
        .endpoint(set_pushrule_enabled::set_pushrule_enabled)
        .endpoint(set_pushrule_actions::set_pushrule_actions)
        .endpoint(delete_pushrule::delete_pushrule)
}
