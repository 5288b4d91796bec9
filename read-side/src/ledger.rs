//! `/_chancery/log/v1`: the ledger over HTTP (C2SP `tlog-tiles`, `tlog-proof`).
//!
//! Owns the routes, who may read them, content types and caching. What they answer is the
//! ledger's; a path that names nothing is a 404. Where the ledger is off, the routes do not exist.

mod get_checkpoint;
mod get_consistency;
mod get_proof;
mod get_tile;

use std::{pin::Pin, sync::Arc};

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use event_log::ledger::{Ledger, LedgerFault};
use http::{
    HeaderName, HeaderValue, Uri,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_edge::{MatrixError, Session};

/// Where the routes begin; the `<prefix>` of `tlog-tiles`.
pub const LEDGER_PREFIX: &str = "/_chancery/log/v1";
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// Whether a session is an auditor's, once that is known.
pub type AuditorFuture<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// Says who is an auditor.
pub trait Auditors: Send + Sync + 'static {
    /// Whether this session may read the ledger.
    fn is_auditor<'a>(&'a self, session: &'a Session) -> AuditorFuture<'a>;
}

/// Who may read the ledger.
#[derive(Clone)]
pub enum LedgerReaders {
    /// Everybody; the tiles hold digests alone.
    Everybody,
    /// Sessions of auditors.
    Auditors(Arc<dyn Auditors>),
}

/// What the routes need.
#[derive(Clone)]
pub struct LedgerRoutes {
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Who may read it.
    pub readers: LedgerReaders,
}

/// The routes of the ledger, to be merged with others and dressed by `http_edge::dress`.
pub fn ledger_router(routes: LedgerRoutes) -> Router {
    let at = |path: &str| format!("{LEDGER_PREFIX}/{path}");
    Router::new()
        .route(&at("checkpoint"), get(get_checkpoint::get_checkpoint))
        .route(&at("tile/{*path}"), get(get_tile::get_tile))
        .route(&at("proof/{position}"), get(get_proof::get_proof))
        .route(&at("consistency"), get(get_consistency::get_consistency))
        .with_state(routes)
}

/// How long an answer is worth keeping.
#[derive(Clone, Copy)]
enum Keeping {
    /// Asked for anew each time.
    Never,
    /// It never changes.
    Forever,
}

impl LedgerRoutes {
    async fn admit(&self, session: Option<&Session>) -> Result<(), MatrixError> {
        let LedgerReaders::Auditors(auditors) = &self.readers else {
            return Ok(());
        };
        let session = session.ok_or_else(MatrixError::missing_token)?;
        if auditors.is_auditor(session).await {
            Ok(())
        } else {
            Err(MatrixError::forbidden("Only auditors may read the ledger"))
        }
    }

    /// Asks the ledger on the blocking pool. What it does not have is a 404.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Ledger) -> Result<Option<T>, LedgerFault> + Send + 'static,
    ) -> Result<T, MatrixError> {
        let ledger = Arc::clone(&self.ledger);
        let answer = tokio::task::spawn_blocking(move || question(&ledger)).await;
        match answer {
            Ok(Ok(Some(found))) => Ok(found),
            Ok(Ok(None)) => Err(nothing_there()),
            Ok(Err(fault)) => {
                tracing::error!(?fault, "the ledger could not answer");
                Err(MatrixError::internal())
            }
            Err(_) => Err(MatrixError::internal()),
        }
    }

    fn answer(
        &self,
        body: impl IntoResponse,
        content_type: &'static str,
        keeping: Keeping,
    ) -> Response {
        let mut response = body.into_response();
        let keep = match (keeping, &self.readers) {
            (Keeping::Never, _) => "no-cache",
            (Keeping::Forever, LedgerReaders::Everybody) => "public, max-age=31536000, immutable",
            (Keeping::Forever, LedgerReaders::Auditors(_)) => {
                "private, max-age=31536000, immutable"
            }
        };
        let mut set = |name: HeaderName, value: &'static str| {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        set(CONTENT_TYPE, content_type);
        set(CACHE_CONTROL, keep);
        response
    }
}

/// Refuses a path that is written in another way than C2SP does: its characters need no escapes.
fn check_plain(uri: &Uri) -> Result<(), MatrixError> {
    if uri.path().contains('%') { Err(nothing_there()) } else { Ok(()) }
}

fn nothing_there() -> MatrixError {
    MatrixError::not_found("The ledger has nothing there")
}
