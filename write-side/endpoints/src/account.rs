//! Endpoints on accounts: making, proving, ending them.

mod change_password;
mod check_registration_token_validity;
mod deactivate;
mod get_username_availability;
mod register;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(register::register)
        .endpoint(get_username_availability::get_username_availability)
        .endpoint(check_registration_token_validity::check_registration_token_validity)
        .endpoint(change_password::change_password)
        .endpoint(deactivate::deactivate)
}
