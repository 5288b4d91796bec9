//! What a store said that did not do what it was asked to, in words for people.
//!
//! Owns the wording. Knows which refusals mean that something is not there.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use super::client::Client;
use crate::backup::BackupRefusal;

impl Client {
    pub(super) fn too_slow(&self, key: &str, got: u64) -> anyhow::Error {
        let said = format!("{got} bytes came, and then too little for too long");
        let (bucket, what) = (self.bucket.clone(), format!("get {key}"));
        BackupRefusal::Store { bucket, what, said }.into()
    }

    pub(super) fn failed<E>(&self, what: &str, error: &SdkError<E>) -> anyhow::Error
    where
        E: ProvideErrorMetadata,
    {
        let (bucket, what) = (self.bucket.clone(), what.to_owned());
        BackupRefusal::Store { bucket, what, said: said(error) }.into()
    }
}

/// What the store said, or that it said nothing, on one line.
fn said<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    let with_status = |words: &str| match status(error) {
        Some(status) => format!("{words} (HTTP status {status})"),
        None => words.to_owned(),
    };
    match error {
        SdkError::ServiceError(refused) => {
            let refused = refused.err();
            match (refused.code(), refused.message()) {
                (Some(code), Some(message)) => with_status(&format!("{code}: {message}")),
                (Some(words), None) | (None, Some(words)) => with_status(words),
                (None, None) => with_status("it refused, and did not say why"),
            }
        }
        SdkError::TimeoutError(_) => "there was no answer in time".to_owned(),
        SdkError::ResponseError(_) => with_status("the answer is none of S3"),
        SdkError::DispatchFailure(failure) => {
            let failed = failure.as_connector_error().map(|error| causes(error));
            failed.unwrap_or_else(|| "it cannot be reached".to_owned())
        }
        _ => "the request could not be made".to_owned(),
    }
}

/// An error and what it came from.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    words
}

pub(super) fn code<E>(error: &SdkError<E>) -> Option<&str>
where
    E: ProvideErrorMetadata,
{
    error.as_service_error().and_then(|error| error.code())
}

pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}
