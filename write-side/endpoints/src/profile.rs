//! Endpoints on profiles.

mod delete_profile_field;
mod propagate;
mod set_avatar_url;
mod set_display_name;
mod set_profile_field;

use http::Method;
use ruma::api::client::profile::{set_avatar_url as avatar_url, set_display_name as display_name};

use crate::routes::Routes;

/// The two fields that have paths of their own get every method there: a router prefers those
/// paths to the one with a field in it.
pub(crate) fn routes(routes: Routes) -> Routes {
    let delete = Method::DELETE;
    routes
        .raw_beside::<display_name::v3::Request, _, _>(
            &delete,
            &delete_profile_field::delete_display_name,
        )
        .raw_beside::<avatar_url::v3::Request, _, _>(
            &delete,
            &delete_profile_field::delete_avatar_url,
        )
        .endpoint(set_display_name::set_display_name)
        .endpoint(set_avatar_url::set_avatar_url)
        .endpoint(set_profile_field::set_profile_field)
        .endpoint(delete_profile_field::delete_profile_field)
}
