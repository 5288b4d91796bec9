//! Endpoints for the server's own administration.

mod shared_secret_register;

use http::Method;

use crate::routes::Routes;

/// The path of Synapse's registration with a shared secret.
const SHARED_SECRET_REGISTER: &str = "/_synapse/admin/v1/register";

/// Served only where a shared secret is configured.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes.raw_at(Method::GET, SHARED_SECRET_REGISTER, &shared_secret_register::nonce).raw_at(
        Method::POST,
        SHARED_SECRET_REGISTER,
        &shared_secret_register::register,
    )
}
