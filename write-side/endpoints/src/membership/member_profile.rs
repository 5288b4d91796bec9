//! The profile that stands in a person's member events.

use commands::{CommandError, user::look};
use ruma::{CanonicalJsonObject, UserId};

use crate::{WriteEndpoints, errors::EndpointError};

/// Profile fields that member events carry.
pub(crate) const MEMBER_FIELDS: [&str; 2] = ["displayname", "avatar_url"];

/// Display name and avatar; nothing for persons of whom no profile is stored here.
pub(crate) async fn member_profile(
    state: &WriteEndpoints,
    user: &UserId,
) -> Result<CanonicalJsonObject, EndpointError> {
    let fields = look(&state.write_side, user, |fold| {
        let field = |name: &'static str| {
            let value = serde_json::from_str(&fold.profile.get(name)?.json).ok()?;
            Some((name.to_owned(), value))
        };
        MEMBER_FIELDS.into_iter().filter_map(field).collect()
    });
    match fields.await {
        Ok(fields) => Ok(fields),
        Err(CommandError::Refusal(_)) => Ok(CanonicalJsonObject::new()),
        Err(error) => Err(error.into()),
    }
}
