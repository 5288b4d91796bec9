//! Refusals around passwords, as Matrix's errors.

use commands::{
    RETRY_AFTER,
    user::{LogInError, PasswordError, RegisterError, SharedSecretRefusal},
};
use http_edge::MatrixError;

use super::{EndpointError, Refusal};

impl Refusal for PasswordError {
    fn to_matrix(&self) -> MatrixError {
        match self {
            Self::Busy => MatrixError::limit_exceeded(RETRY_AFTER),
            Self::TooLong => MatrixError::too_large("The password is too long"),
            Self::Failed => {
                tracing::error!("a password could not be hashed");
                MatrixError::internal()
            }
        }
    }
}

impl Refusal for SharedSecretRefusal {
    fn to_matrix(&self) -> MatrixError {
        match self {
            Self::UnknownNonce => MatrixError::bad_request("The nonce is not known"),
            Self::ZeroByte => MatrixError::bad_request("A field holds a zero byte"),
            Self::WrongMac => MatrixError::forbidden("The message code is wrong"),
        }
    }
}

impl From<LogInError> for EndpointError {
    fn from(error: LogInError) -> Self {
        match error {
            // Whether there is such an account is secret.
            LogInError::WrongCredential => {
                MatrixError::forbidden("Wrong user name or password").into()
            }
            LogInError::Password(refusal) => refusal.to_matrix().into(),
            LogInError::Command(error) => error.into(),
        }
    }
}

impl From<RegisterError> for EndpointError {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Token(refusal) => refusal.to_matrix().into(),
            RegisterError::Password(refusal) => refusal.to_matrix().into(),
            RegisterError::Command(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::tests::line;

    #[test]
    fn the_table_of_refusals_around_passwords() {
        let passwords = [PasswordError::Busy, PasswordError::TooLong, PasswordError::Failed];
        let secrets = [
            SharedSecretRefusal::UnknownNonce,
            SharedSecretRefusal::ZeroByte,
            SharedSecretRefusal::WrongMac,
        ];
        let wrong = EndpointError::from(LogInError::WrongCredential);
        let mut lines: Vec<String> = passwords.iter().map(line).collect();
        lines.extend(secrets.iter().map(line));
        lines.push(format!("WrongCredential -> {}", wrong.matrix()));
        insta::assert_snapshot!(lines.join("\n"));
    }
}
