//! Endpoints on keys for end-to-end encryption.

mod claim_keys;
mod upload_keys;
mod upload_signatures;
mod upload_signing_keys;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(upload_keys::upload_keys)
        .endpoint(claim_keys::claim_keys)
        .endpoint(upload_signing_keys::upload_signing_keys)
        .endpoint(upload_signatures::upload_signatures)
}
