//! Refusals about registration tokens, as Matrix's errors.

use decide::registration_token::TokenRefusal;
use http::StatusCode;
use http_edge::MatrixError;
use ruma::api::error::ErrorCode;

use super::Refusal;

impl Refusal for TokenRefusal {
    fn to_matrix(&self) -> MatrixError {
        match self {
            Self::NotValid => MatrixError::forbidden("The registration token is not valid"),
            Self::Exists => MatrixError::invalid_param("This registration token exists"),
            Self::TooMany => MatrixError::new(
                StatusCode::BAD_REQUEST,
                ErrorCode::LimitExceeded,
                "There are too many registration tokens",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::tests::line;

    #[test]
    fn the_table_of_refusals_about_registration_tokens() {
        let all = [TokenRefusal::NotValid, TokenRefusal::Exists, TokenRefusal::TooMany];
        insta::assert_snapshot!(all.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
}
