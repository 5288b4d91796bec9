//! ruma's errors about a request, as Matrix errors.

use ruma::api::error::{DeserializationError, FromHttpRequestError};

use crate::{MatrixError, json_body::shape_error};

/// The answer to a request that did not become its type.
pub(crate) fn request_error(error: &FromHttpRequestError) -> MatrixError {
    match error {
        FromHttpRequestError::MethodMismatch { .. } => MatrixError::wrong_method(),
        FromHttpRequestError::Deserialization(error) => deserialization_error(error),
        _ => MatrixError::bad_request("The request is malformed"),
    }
}

/// ruma reports path arguments and query parameters as the same kind.
fn deserialization_error(error: &DeserializationError) -> MatrixError {
    match error {
        DeserializationError::Utf8(_) => MatrixError::not_json("The request body is not UTF-8"),
        DeserializationError::Json(error) => shape_error(error),
        DeserializationError::Query(error) => {
            let message = error.to_string();
            if message.starts_with("missing field") {
                MatrixError::missing_param(format!("A parameter is missing: {message}"))
            } else {
                MatrixError::invalid_param(format!("A parameter is wrong: {message}"))
            }
        }
        DeserializationError::Ident(error) => {
            MatrixError::invalid_param(format!("An identifier is malformed: {error}"))
        }
        DeserializationError::Header(error) => {
            MatrixError::invalid_param(format!("A header is wrong: {error}"))
        }
        _ => MatrixError::bad_request("The request is malformed"),
    }
}
