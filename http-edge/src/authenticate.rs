//! From a request to the session behind it.
//!
//! Owns where a token stands (client-server API, "Using access tokens"), identity assertions of
//! application services, and what each of ruma's authentication schemes demands. Never logs a
//! token.

use axum::extract::{FromRequestParts, Query};
use http::{HeaderMap, Uri, header::AUTHORIZATION, request::Parts};
use ruma::{
    OwnedDeviceId, OwnedUserId,
    api::auth_scheme::{
        AccessToken, AccessTokenOptional, AppserviceToken, AppserviceTokenOptional, NoAccessToken,
        NoAuthentication,
    },
};
use serde::Deserialize;

use crate::{Claim, Edge, MatrixError, Session, SessionKind, SessionRefusal, observe::RequestNote};

/// What a request says about its sender, before anybody looked it up.
pub struct Credentials {
    token: Option<String>,
    as_user: Option<OwnedUserId>,
    as_device: Option<OwnedDeviceId>,
}

#[derive(Deserialize)]
struct IdentityQuery {
    access_token: Option<String>,
    user_id: Option<String>,
    device_id: Option<OwnedDeviceId>,
    /// Before Matrix 1.17.
    #[serde(rename = "org.matrix.msc3202.device_id")]
    unstable_device_id: Option<OwnedDeviceId>,
}

impl Credentials {
    fn of(headers: &HeaderMap, uri: &Uri) -> Result<Self, MatrixError> {
        let Query(query) = Query::<IdentityQuery>::try_from_uri(uri)
            .map_err(|_| MatrixError::invalid_param("The query string is malformed"))?;
        let as_user = query
            .user_id
            .map(OwnedUserId::try_from)
            .transpose()
            .map_err(|_| MatrixError::invalid_param("The parameter user_id is no user ID"))?;
        let token = bearer(headers)?.or(query.access_token);
        Ok(Self {
            token: token.filter(|token| !token.is_empty()),
            as_user,
            as_device: query.device_id.or(query.unstable_device_id),
        })
    }
}

/// The token of the `Authorization` header. Another scheme than `Bearer` is no token at all: a
/// proxy's own authentication may stand there.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, MatrixError> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let value = value
        .to_str()
        .map_err(|_| MatrixError::invalid_param("The Authorization header is malformed"))?;
    Ok(value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim().to_owned()))
}

/// What an optional application service token turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppserviceClaim {
    /// The request carries no token.
    None,
    /// An application service's token.
    Appservice(Session),
    /// A token that is none of an application service, such as a client's old one. Endpoints
    /// ignore it, or answer `M_UNKNOWN_TOKEN` where an application service is needed.
    Other,
}

/// An authentication scheme of ruma's metadata that this edge serves.
pub trait Authenticate {
    /// What a handler gets to know about its caller.
    type Identity: Send + 'static;

    /// Authenticates. `even_locked`: sessions of locked accounts pass.
    fn identify(
        edge: &Edge,
        credentials: Credentials,
        even_locked: bool,
    ) -> Result<Self::Identity, MatrixError>;

    /// The session in an identity, if there is one.
    fn session(identity: &Self::Identity) -> Option<&Session>;
}

macro_rules! no_authentication {
    ($($scheme:ty),*) => {$(
        impl Authenticate for $scheme {
            type Identity = ();

            fn identify(_: &Edge, _: Credentials, _: bool) -> Result<(), MatrixError> {
                Ok(())
            }

            fn session((): &()) -> Option<&Session> {
                None
            }
        }
    )*};
}

no_authentication!(NoAuthentication, NoAccessToken);

impl Authenticate for AccessToken {
    type Identity = Session;

    fn identify(edge: &Edge, given: Credentials, locked: bool) -> Result<Session, MatrixError> {
        look_up(edge, &given, locked)?.ok_or_else(MatrixError::missing_token)
    }

    fn session(identity: &Session) -> Option<&Session> {
        Some(identity)
    }
}

impl Authenticate for AccessTokenOptional {
    type Identity = Option<Session>;

    fn identify(
        edge: &Edge,
        given: Credentials,
        locked: bool,
    ) -> Result<Option<Session>, MatrixError> {
        look_up(edge, &given, locked)
    }

    fn session(identity: &Option<Session>) -> Option<&Session> {
        identity.as_ref()
    }
}

impl Authenticate for AppserviceToken {
    type Identity = Session;

    fn identify(edge: &Edge, given: Credentials, locked: bool) -> Result<Session, MatrixError> {
        let session = AccessToken::identify(edge, given, locked)?;
        match session.kind {
            SessionKind::Appservice => Ok(session),
            SessionKind::User | SessionKind::Guest => {
                Err(MatrixError::forbidden("Only application services may use this endpoint"))
            }
        }
    }

    fn session(identity: &Session) -> Option<&Session> {
        Some(identity)
    }
}

impl Authenticate for AppserviceTokenOptional {
    type Identity = AppserviceClaim;

    fn identify(
        edge: &Edge,
        given: Credentials,
        locked: bool,
    ) -> Result<AppserviceClaim, MatrixError> {
        match AccessTokenOptional::identify(edge, given, locked) {
            Ok(None) => Ok(AppserviceClaim::None),
            Ok(Some(session)) if session.kind == SessionKind::Appservice => {
                Ok(AppserviceClaim::Appservice(session))
            }
            Ok(Some(_)) => Ok(AppserviceClaim::Other),
            Err(error) if error.status() == http::StatusCode::UNAUTHORIZED => {
                Ok(AppserviceClaim::Other)
            }
            Err(error) => Err(error),
        }
    }

    fn session(identity: &AppserviceClaim) -> Option<&Session> {
        match identity {
            AppserviceClaim::Appservice(session) => Some(session),
            AppserviceClaim::None | AppserviceClaim::Other => None,
        }
    }
}

/// The session of a request's token; none where it carries no token.
fn look_up(
    edge: &Edge,
    given: &Credentials,
    even_locked: bool,
) -> Result<Option<Session>, MatrixError> {
    let Some(token) = &given.token else {
        return Ok(None);
    };
    let claim =
        Claim { token, as_user: given.as_user.as_deref(), as_device: given.as_device.as_deref() };
    match edge.sessions().lookup(&claim, edge.now()) {
        Ok(session) => Ok(Some(session)),
        Err(SessionRefusal::Locked(session)) if even_locked => Ok(Some(*session)),
        Err(refusal) => Err(refusal.into()),
    }
}

/// Authenticates a request by scheme `A`, and notes the user for the request's log line.
pub(crate) fn identify<A: Authenticate>(
    parts: &Parts,
    even_locked: bool,
) -> Result<A::Identity, MatrixError> {
    let edge = Edge::of(&parts.extensions)?;
    let credentials = Credentials::of(&parts.headers, &parts.uri)?;
    let identity = A::identify(edge, credentials, even_locked)?;
    if let Some(session) = A::session(&identity) {
        RequestNote::user(&parts.extensions, session.user_stream);
    }
    Ok(identity)
}

/// Extracts the session alone, for endpoints without a ruma type. Counts against the user's rate.
#[derive(Clone, Debug)]
pub struct Auth(pub Session);

/// Extracts the session where the request carries a token.
#[derive(Clone, Debug)]
pub struct MaybeAuth(pub Option<Session>);

impl<S: Send + Sync> FromRequestParts<S> for Auth {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MatrixError> {
        let session = identify::<AccessToken>(parts, false)?;
        Edge::of(&parts.extensions)?.check_rate(&parts.extensions, Some(&session))?;
        Ok(Self(session))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for MaybeAuth {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MatrixError> {
        let session = identify::<AccessTokenOptional>(parts, false)?;
        Edge::of(&parts.extensions)?.check_rate(&parts.extensions, session.as_ref())?;
        Ok(Self(session))
    }
}
