//! Matrix's standard error response.
//!
//! Owns the JSON of errors and the constructors of the usual codes (client-server API, "Standard
//! error response"). Layers map their refusals and faults to this type in one file each.
//! Never carries operators' text, sources of errors, or content.

use std::{fmt, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use ruma::api::error::ErrorCode;
use serde_json::{Map, Value};

/// An error answer for a client or a peer server.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixError {
    status: StatusCode,
    errcode: Option<ErrorCode>,
    message: String,
    retry_after: Option<Duration>,
    extra: Map<String, Value>,
}

macro_rules! usual {
    ($($(#[$doc:meta])* $name:ident: $status:ident, $code:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(StatusCode::$status, ErrorCode::$code, message)
            }
        )*
    };
}

impl MatrixError {
    /// An error with any status and code. `message` is read by people who use clients.
    pub fn new(status: StatusCode, errcode: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            status,
            errcode: Some(errcode),
            message: message.into(),
            retry_after: None,
            extra: Map::new(),
        }
    }

    usual! {
        /// 403 `M_FORBIDDEN`: the caller may not do this.
        forbidden: FORBIDDEN, Forbidden;
        /// 404 `M_NOT_FOUND`: it does not exist, or the caller may not know that it does.
        not_found: NOT_FOUND, NotFound;
        /// 400 `M_NOT_JSON`: the body is no JSON.
        not_json: BAD_REQUEST, NotJson;
        /// 400 `M_BAD_JSON`: the body is JSON of a wrong shape.
        bad_json: BAD_REQUEST, BadJson;
        /// 400 `M_MISSING_PARAM`: a required parameter is missing.
        missing_param: BAD_REQUEST, MissingParam;
        /// 400 `M_INVALID_PARAM`: a parameter has a wrong value.
        invalid_param: BAD_REQUEST, InvalidParam;
        /// 413 `M_TOO_LARGE`: the body is larger than this server takes.
        too_large: PAYLOAD_TOO_LARGE, TooLarge;
        /// 409 `M_UNKNOWN`: something else changed at the same time; trying again can help.
        conflict: CONFLICT, Unknown;
        /// 400 `M_UNKNOWN`: refused for a reason that has no code of its own.
        bad_request: BAD_REQUEST, Unknown;
        /// 400 `M_USER_IN_USE`: the user name is taken.
        user_in_use: BAD_REQUEST, UserInUse;
        /// 400 `M_INVALID_USERNAME`: the user name is not allowed.
        invalid_username: BAD_REQUEST, InvalidUsername;
        /// 400 `M_EXCLUSIVE`: the name is reserved by an application service.
        exclusive: BAD_REQUEST, Exclusive;
        /// 400 `M_WEAK_PASSWORD`.
        weak_password: BAD_REQUEST, WeakPassword;
        /// 400 `M_ROOM_IN_USE`: the alias is taken.
        room_in_use: BAD_REQUEST, RoomInUse;
        /// 400 `M_UNSUPPORTED_ROOM_VERSION`.
        unsupported_room_version: BAD_REQUEST, UnsupportedRoomVersion;
        /// 403 `M_USER_DEACTIVATED`.
        user_deactivated: FORBIDDEN, UserDeactivated;
        /// 404 `M_UNRECOGNIZED`: no such endpoint.
        unrecognized: NOT_FOUND, Unrecognized;
    }

    /// 401 `M_MISSING_TOKEN`.
    pub fn missing_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::MissingToken, "Missing access token")
    }

    /// 401 `M_UNKNOWN_TOKEN`.
    pub fn unknown_token(soft_logout: bool) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::UnknownToken, "Unknown access token")
            .with("soft_logout", soft_logout)
    }

    /// 401 `M_USER_LOCKED`; always with `soft_logout` (client-server API, "Account locking").
    pub fn user_locked() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::UserLocked, "This account has been locked")
            .with("soft_logout", true)
    }

    /// 403 `M_GUEST_ACCESS_FORBIDDEN`.
    pub fn guest_access_forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            ErrorCode::GuestAccessForbidden,
            "Guests may not use this endpoint",
        )
    }

    /// 400 `M_UNKNOWN_DEVICE`: an asserted device does not exist.
    pub fn unknown_device() -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::UnknownDevice, "Unknown device")
    }

    /// 405 `M_UNRECOGNIZED`: the endpoint exists, not with this method.
    pub fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            ErrorCode::Unrecognized,
            "This endpoint does not take this method",
        )
    }

    /// 408 `M_UNKNOWN`: the body did not arrive in time.
    pub fn body_too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::Unknown,
            "The request body did not arrive in time",
        )
    }

    /// 429 `M_LIMIT_EXCEEDED`: this caller asks too often.
    pub fn limit_exceeded(retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::LimitExceeded, "Too many requests")
            .with_retry_after(retry_after)
    }

    /// 503 `M_LIMIT_EXCEEDED`: the server is full or not ready, whoever asks.
    ///
    /// The code is the one that clients understand as "wait and try again".
    pub fn unavailable(retry_after: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::LimitExceeded, "The server is busy")
            .with_retry_after(retry_after)
    }

    /// 500 `M_UNKNOWN`. Takes no text on purpose: the cause goes to the operators' log.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Unknown, "Internal server error")
    }

    /// 401 of user-interactive authentication; `info` is the JSON of `UiaaInfo` (`flows`,
    /// `params`, `session`, `completed`).
    ///
    /// Without `errcode` as long as no stage failed; see [`Self::uia_failed`].
    pub fn uia(info: Map<String, Value>) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            errcode: None,
            message: String::new(),
            retry_after: None,
            extra: info,
        }
    }

    /// 401 of user-interactive authentication after a stage that failed.
    pub fn uia_failed(
        info: Map<String, Value>,
        errcode: ErrorCode,
        message: impl Into<String>,
    ) -> Self {
        Self { errcode: Some(errcode), message: message.into(), ..Self::uia(info) }
    }

    /// Adds a key to the JSON. `errcode`, `error` and `retry_after_ms` cannot be replaced.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }

    /// Says when trying again is worth it: header in whole seconds, JSON in milliseconds.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The Matrix error code; none in a first answer of user-interactive authentication.
    pub fn errcode(&self) -> Option<&ErrorCode> {
        self.errcode.as_ref()
    }

    /// The JSON that is sent.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = self.extra.clone();
        if let Some(errcode) = &self.errcode {
            body.insert("errcode".to_owned(), errcode.as_str().into());
            body.insert("error".to_owned(), self.message.clone().into());
        }
        if let Some(retry_after) = self.retry_after {
            let milliseconds = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX);
            body.insert("retry_after_ms".to_owned(), milliseconds.into());
        }
        body
    }
}

impl fmt::Display for MatrixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errcode = self.errcode.as_ref().map_or("-", ErrorCode::as_str);
        write!(f, "{} {errcode}", self.status.as_u16())
    }
}

impl std::error::Error for MatrixError {}

impl IntoResponse for MatrixError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(retry_after) = self.retry_after {
            // Rounded up: a client that waits the header's seconds is not refused again.
            let seconds = retry_after.as_millis().div_ceil(1000);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
