//! The query string of `/sync`.

use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use http_edge::MatrixError;
use serde::Deserialize;

use super::token::SyncToken;
use crate::{fault::ReadFault, state::ReadSide};

/// What a client asks for.
pub(crate) struct SyncQuery {
    pub(crate) filter: Option<String>,
    since: Option<String>,
    pub(crate) full_state: bool,
    pub(crate) timeout: Duration,
    state_after: StateDialect,
}

/// How state is told (v1.16, and MSC4222 under its unstable name, which today's clients use).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateDialect {
    /// `state`: the state at the start of the timeline.
    Before,
    /// `state_after`: the state at its end.
    After,
    /// The same as `org.matrix.msc4222.state_after`.
    AfterUnstable,
}

/// `set_presence`: accepted, and of no effect while presence is not served.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Presence {
    Offline,
    #[default]
    Online,
    Unavailable,
}

#[derive(Deserialize)]
struct Raw {
    filter: Option<String>,
    since: Option<String>,
    #[serde(default)]
    full_state: bool,
    timeout: Option<u64>,
    #[serde(default, rename = "set_presence")]
    _set_presence: Presence,
    #[serde(default)]
    use_state_after: bool,
    #[serde(default, rename = "org.matrix.msc4222.use_state_after")]
    unstable_use_state_after: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for SyncQuery {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MatrixError> {
        let Query(raw) = Query::<Raw>::try_from_uri(&parts.uri)
            .map_err(|error| MatrixError::invalid_param(error.body_text()))?;
        let state_after = match (raw.use_state_after, raw.unstable_use_state_after) {
            (true, _) => StateDialect::After,
            (false, true) => StateDialect::AfterUnstable,
            (false, false) => StateDialect::Before,
        };
        Ok(Self {
            filter: raw.filter,
            since: raw.since,
            full_state: raw.full_state,
            timeout: Duration::from_millis(raw.timeout.unwrap_or(0)),
            state_after,
        })
    }
}

impl SyncQuery {
    /// The cursor; `None` where the client has none, or one that means nothing to this log.
    pub(crate) fn since(&self, read: &ReadSide) -> Result<Option<SyncToken>, MatrixError> {
        let Some(text) = &self.since else { return Ok(None) };
        let token: SyncToken = text
            .parse()
            .map_err(|_| MatrixError::invalid_param("since is no token of this server"))?;
        let snapshot = read.snapshot().map_err(ReadFault::from)?;
        let now = snapshot.checkpoint();
        let known = now.log_id == token.log_id
            && now.incarnation == token.incarnation
            && token.position <= now.position;
        Ok(known.then_some(token))
    }

    pub(crate) fn use_state_after(&self) -> StateDialect {
        self.state_after
    }
}
