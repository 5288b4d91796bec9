//! Content of events as clients sent it.
//!
//! Owns reading it as canonical JSON with every field kept, and the time that an application
//! service gives an event.

use decide::room::NewEvent;
use facts::Timestamp;
use http_edge::{MatrixError, Session, SessionKind};
use ruma::{CanonicalJsonObject, MilliSecondsSinceUnixEpoch, serde::Raw};
use serde_json::{Map, Value};

use crate::errors::{EndpointError, refused};

/// The content of an event.
pub(crate) fn content<T>(raw: &Raw<T>) -> Result<CanonicalJsonObject, EndpointError> {
    let object: Map<String, Value> = serde_json::from_str(raw.json().get()).map_err(|error| {
        // The edge has seen JSON; what no string can hold (half a surrogate pair) shows here.
        if error.is_data() {
            MatrixError::bad_json("The content must be an object")
        } else {
            MatrixError::not_json("A string of the content is not Unicode")
        }
    })?;
    NewEvent::content_of(&object).map_err(|refusal| refused(&refusal))
}

/// The event's time, where an application service gives one (application service API, "Timestamp
/// massaging"). From anybody else it is ignored.
pub(crate) fn given_time(
    session: &Session,
    given: Option<MilliSecondsSinceUnixEpoch>,
) -> Option<Timestamp> {
    match session.kind {
        SessionKind::Appservice => given.map(|time| Timestamp(time.0.into())),
        SessionKind::User | SessionKind::Guest => None,
    }
}
