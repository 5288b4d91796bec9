//! How many requests are worked on at once.
//!
//! Owns the two bounds (I10): ordinary requests, and long-polls, which are many, idle and cheap,
//! and must neither starve the others nor be starved. Full means 503 with a retry time, at once:
//! nothing queues here.

use std::{sync::Arc, time::Duration};

use axum::extract::{MatchedPath, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::MatrixError;

/// When a request that was shed may try again.
pub const ADMISSION_RETRY: Duration = Duration::from_secs(2);

/// Counts requests in progress.
#[derive(Clone, Debug)]
pub struct Admission {
    requests: Arc<Semaphore>,
    long_polls: Arc<Semaphore>,
}

impl Admission {
    /// Bounds for ordinary requests and for long-polls.
    pub fn new(requests_max: usize, long_polls_max: usize) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(requests_max.min(Semaphore::MAX_PERMITS))),
            long_polls: Arc::new(Semaphore::new(long_polls_max.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// A permit, held until the answer is ready; none where the server is full.
    fn admit(&self, long_poll: bool) -> Option<OwnedSemaphorePermit> {
        let of_its_kind = if long_poll { &self.long_polls } else { &self.requests };
        Arc::clone(of_its_kind).try_acquire_owned().ok()
    }

    /// A permit for this request, held until its answer is ready, or when to try again.
    pub(crate) fn permit(&self, request: &Request) -> Result<OwnedSemaphorePermit, MatrixError> {
        let template = request.extensions().get::<MatchedPath>();
        let long_poll = is_long_poll(template.map(MatchedPath::as_str), request.uri().query());
        self.admit(long_poll).ok_or_else(|| {
            metrics::counter!("http_requests_shed_total", "long_poll" => long_poll.to_string())
                .increment(1);
            MatrixError::unavailable(ADMISSION_RETRY)
        })
    }
}

/// True for a sync that may wait for news. Without a timeout a sync answers at once and counts
/// as an ordinary request.
fn is_long_poll(template: Option<&str>, query: Option<&str>) -> bool {
    template.is_some_and(|template| template.ends_with("/sync"))
        && query
            .into_iter()
            .flat_map(|query| query.split('&'))
            .filter_map(|pair| pair.strip_prefix("timeout="))
            .any(|timeout| !timeout.is_empty() && timeout.bytes().any(|digit| digit != b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sync_that_may_wait_is_a_long_poll() {
        let sync = Some("/_matrix/client/v3/sync");
        assert!(is_long_poll(sync, Some("since=a&timeout=30000")));
        assert!(!is_long_poll(sync, Some("since=a&timeout=0")));
        assert!(!is_long_poll(sync, None));
        assert!(!is_long_poll(Some("/_matrix/client/v3/login"), Some("timeout=30000")));
    }

    #[test]
    fn long_polls_take_no_place_of_ordinary_requests() {
        let admission = Admission::new(1, 1);
        let _waiting = admission.admit(true).expect("the first long-poll");
        assert!(admission.admit(true).is_none());
        let request = admission.admit(false);
        assert!(request.is_some());
        assert!(admission.admit(false).is_none());
        drop(request);
        assert!(admission.admit(false).is_some());
    }
}
