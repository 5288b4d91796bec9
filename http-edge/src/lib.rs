//! What the read side, the write side and federation all need of HTTP.
//!
//! Owns the extractors over ruma's request types, the session lookup as a trait, the mapping of
//! errors to Matrix's JSON, and the bounds around every request: size, depth, time, rate, number.
//! Invariants: I9 (time is a parameter), I10 (every bound is named; full means push back).
//! Never holds a rule of Matrix rooms or a store.

mod admission;
mod authenticate;
mod body;
mod clock;
mod collected;
mod cors;
mod edge;
mod endpoint;
mod error;
mod fallback;
mod json_body;
mod observe;
mod parameters;
mod peer;
mod rate_limit;
mod request;
mod request_error;
mod response;
mod session;

pub use admission::{ADMISSION_RETRY, Admission};
pub use authenticate::{AppserviceClaim, Auth, Authenticate, MaybeAuth};
pub use body::{UploadBody, collect_body};
pub use clock::Clock;
pub use collected::{Collected, IdentityOf, Servable, parse_request};
pub use edge::{Edge, EdgeBounds, dress};
pub use endpoint::{Describes, HasEndpoint, endpoint, endpoint_at};
pub use error::MatrixError;
pub use json_body::{JSON_DEPTH_MAX, JsonBody, JsonObject, check_json};
pub use parameters::{Path, Query};
pub use peer::PeerAddress;
pub use rate_limit::{Rate, RateClass, RateKey, RateLimiter, RateTable};
pub use request::{Matrix, Streamed};
pub use response::MatrixResponse;
pub use session::{Claim, Session, SessionKind, SessionRefusal, Sessions};
