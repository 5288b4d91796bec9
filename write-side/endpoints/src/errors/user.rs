//! Refusals of commands on a person, as Matrix's errors.

use decide::user::UserRefusal;
use http::StatusCode;
use http_edge::MatrixError;
use ruma::api::error::ErrorCode;

use super::Refusal;

impl Refusal for UserRefusal {
    fn to_matrix(&self) -> MatrixError {
        match self {
            Self::UnknownUser => MatrixError::not_found("There is no such user"),
            Self::Deactivated => MatrixError::user_deactivated("This account was deactivated"),
            Self::UserInUse => MatrixError::user_in_use("This user name is taken"),
            Self::InvalidUsername => MatrixError::invalid_username(
                "A user name may have lower-case letters, digits and the characters . _ = / - +",
            ),
            Self::Exclusive => {
                MatrixError::exclusive("This user name is reserved by an application service")
            }
            Self::Forbidden => MatrixError::forbidden("You may not do this"),
            Self::UnknownDevice => MatrixError::not_found("There is no such device"),
            Self::InvalidDeviceId => MatrixError::invalid_param("This device ID cannot be used"),
            Self::LimitReached(of) => MatrixError::new(
                StatusCode::BAD_REQUEST,
                ErrorCode::ResourceLimitExceeded,
                format!("You have too many {of}"),
            )
            // The code demands a way to ask for more (client-server API, "Common error codes").
            .with("admin_contact", "the administrators of this server"),
            Self::UnknownToken => MatrixError::unknown_token(false),
            Self::TooLarge(what) => MatrixError::too_large(format!("Too large: {what}")),
            Self::ProfileTooLarge => code("M_PROFILE_TOO_LARGE", "The profile would be too large"),
            Self::ProfileFieldNameTooLarge => {
                code("M_KEY_TOO_LARGE", "The name of the profile field is too long")
            }
            Self::BadJson(what) => MatrixError::bad_json(format!("Wrong shape: {what}")),
            Self::InvalidParam(what) => MatrixError::invalid_param(format!("Not valid: {what}")),
            Self::MissingParam(what) => MatrixError::missing_param(format!("Missing: {what}")),
            Self::ServerControlledType => MatrixError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                ErrorCode::BadJson,
                "Account data of this type cannot be set through this endpoint",
            ),
            Self::NotFound(what) => MatrixError::not_found(format!("There is no such {what}")),
            Self::OneTimeKeyExists(_) => MatrixError::invalid_param(
                "A different one-time key was uploaded under the same ID before",
            ),
            Self::InvalidSignature => code("M_INVALID_SIGNATURE", "A signature does not hold"),
            Self::WrongBackupVersion { current } => MatrixError::new(
                StatusCode::FORBIDDEN,
                ErrorCode::from("M_WRONG_ROOM_KEYS_VERSION"),
                "This is not the current version of the backup",
            )
            .with("current_version", current.to_string()),
            Self::MediaExists => MatrixError::new(
                StatusCode::CONFLICT,
                ErrorCode::from("M_CANNOT_OVERWRITE_MEDIA"),
                "There is content under this media ID already",
            ),
        }
    }
}

fn code(errcode: &str, message: &str) -> MatrixError {
    MatrixError::new(StatusCode::BAD_REQUEST, ErrorCode::from(errcode), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::tests::line;

    #[test]
    fn the_table_of_a_persons_refusals() {
        let all = [
            UserRefusal::UnknownUser,
            UserRefusal::Deactivated,
            UserRefusal::UserInUse,
            UserRefusal::InvalidUsername,
            UserRefusal::Exclusive,
            UserRefusal::Forbidden,
            UserRefusal::UnknownDevice,
            UserRefusal::InvalidDeviceId,
            UserRefusal::LimitReached("devices"),
            UserRefusal::UnknownToken,
            UserRefusal::TooLarge("the content"),
            UserRefusal::ProfileTooLarge,
            UserRefusal::ProfileFieldNameTooLarge,
            UserRefusal::BadJson("the content"),
            UserRefusal::InvalidParam("the type"),
            UserRefusal::MissingParam("the master key"),
            UserRefusal::ServerControlledType,
            UserRefusal::NotFound("push rule"),
            UserRefusal::OneTimeKeyExists("signed_curve25519:A".to_owned()),
            UserRefusal::InvalidSignature,
            UserRefusal::WrongBackupVersion { current: 7 },
            UserRefusal::MediaExists,
        ];
        insta::assert_snapshot!(all.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
}
