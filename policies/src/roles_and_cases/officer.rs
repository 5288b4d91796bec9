//! Who calls a route of the staff.
//!
//! Owns the refusal of everybody who is not a person with a token of the person's own: guests, and
//! application services, which could speak for others. Roles are the commands' to check.

use axum::extract::FromRequestParts;
use commands::governance::Actor;
use facts::fact::Role;
use http::request::Parts;
use http_edge::{Auth, MatrixError, PeerAddress, SessionKind};
use serde::Deserialize;

/// The caller, with the network address.
#[derive(Clone, Debug)]
pub(super) struct Officer(pub(super) Actor);

impl<S: Send + Sync> FromRequestParts<S> for Officer {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, MatrixError> {
        let Auth(session) = Auth::from_request_parts(parts, state).await?;
        if session.kind != SessionKind::User {
            return Err(MatrixError::forbidden("Only persons may do this, as themselves"));
        }
        let address = parts.extensions.get::<PeerAddress>().map(|address| address.0);
        Ok(Self(Actor { user: session.user, address }))
    }
}

/// A body that states why, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// Why.
    pub(super) reason: String,
}

/// The role of a name.
pub(super) fn role_named(name: &str) -> Result<Role, MatrixError> {
    Role::named(name).ok_or_else(|| {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        MatrixError::invalid_param(format!("There is no such role; roles are {}", names.join(", ")))
    })
}
