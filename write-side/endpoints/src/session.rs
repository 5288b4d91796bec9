//! Endpoints on sessions: logging in, refreshing, logging out.

mod get_login_types;
mod login;
mod logout;
mod logout_all;
mod refresh_token;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(get_login_types::get_login_types)
        .endpoint(login::login)
        .endpoint(refresh_token::refresh_token)
        .endpoint(logout::logout)
        .endpoint(logout_all::logout_all)
}
