//! Why a command on a person is refused.
//!
//! Owns the one list of refusals of all commands on a person: they share most of them, and each
//! edge maps them to Matrix codes in one exhaustive match. The docstring names the usual code.

/// A typed no. `Display` is for operators.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    /// 404 `M_NOT_FOUND`: no account of this name.
    #[error("there is no such account")]
    UnknownUser,
    /// 403 `M_USER_DEACTIVATED`.
    #[error("the account is deactivated")]
    Deactivated,
    /// 400 `M_USER_IN_USE`.
    #[error("the user id is taken")]
    UserInUse,
    /// 400 `M_INVALID_USERNAME`.
    #[error("the user id does not follow the grammar for new ones")]
    InvalidUsername,
    /// 400 `M_EXCLUSIVE`.
    #[error("the user id is reserved by an application service")]
    Exclusive,
    /// 403 `M_FORBIDDEN`.
    #[error("not allowed")]
    Forbidden,
    /// 404 `M_NOT_FOUND`.
    #[error("there is no such device")]
    UnknownDevice,
    /// 400 `M_INVALID_PARAM`: device id too long or empty.
    #[error("the device id is not usable")]
    InvalidDeviceId,
    /// 400 `M_RESOURCE_LIMIT_EXCEEDED`: too many devices, filters, tags, keys.
    #[error("a limit of {0} is reached")]
    LimitReached(&'static str),
    /// 401 `M_UNKNOWN_TOKEN`.
    #[error("the refresh token is not known")]
    UnknownToken,
    /// 413 `M_TOO_LARGE`.
    #[error("{0} is too large")]
    TooLarge(&'static str),
    /// 400 `M_PROFILE_TOO_LARGE`.
    #[error("the profile would be too large")]
    ProfileTooLarge,
    /// 400 `M_KEY_TOO_LARGE`.
    #[error("the name of the profile field is too long")]
    ProfileFieldNameTooLarge,
    /// 400 `M_BAD_JSON`.
    #[error("{0} does not have the right shape")]
    BadJson(&'static str),
    /// 400 `M_INVALID_PARAM`.
    #[error("{0} is not valid")]
    InvalidParam(&'static str),
    /// 400 `M_MISSING_PARAM`.
    #[error("{0} is missing")]
    MissingParam(&'static str),
    /// 405 `M_BAD_JSON`: the type has an endpoint of its own.
    #[error("account data of this type is set elsewhere")]
    ServerControlledType,
    /// 404 `M_NOT_FOUND`.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// 400 `M_INVALID_PARAM`: another key with this id exists.
    #[error("a different one-time key with this id exists")]
    OneTimeKeyExists(String),
    /// 400 `M_INVALID_SIGNATURE`.
    #[error("a signature does not hold")]
    InvalidSignature,
    /// 403 `M_WRONG_ROOM_KEYS_VERSION` with `current_version`.
    #[error("the backup version is not the current one")]
    WrongBackupVersion {
        /// The current version.
        current: u64,
    },
    /// 409 `M_CANNOT_OVERWRITE_MEDIA`.
    #[error("the media id has content")]
    MediaExists,
}
