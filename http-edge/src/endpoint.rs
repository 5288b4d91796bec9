//! Registering a handler under the paths of the endpoint that it serves.
//!
//! Owns the step from a handler's last extractor to method and paths, so that a handler cannot be
//! registered under another endpoint's path. Paths are all that ruma's metadata knows, stable and
//! unstable, old and new.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use ruma::api::{Metadata, path_builder::PathBuilder};

/// An extractor that reads requests of one endpoint.
pub trait HasEndpoint {
    /// The endpoint's request type.
    type Request: Metadata;
}

/// The list of a handler's extractors, the last of which names the endpoint.
pub trait Describes {
    /// The endpoint's request type.
    type Request: Metadata;
}

macro_rules! describes {
    ($($before:ident),*) => {
        impl<M, $($before,)* E: HasEndpoint> Describes for (M, $($before,)* E) {
            type Request = E::Request;
        }
    };
}

describes!();
describes!(A);
describes!(A, B);
describes!(A, B, C);
describes!(A, B, C, D);

/// Registers `handler` under every path that its endpoint has or had.
///
/// The endpoint is the one of the handler's last argument (`Matrix<R>`, `Streamed<R>`, or another
/// extractor with [`HasEndpoint`]).
#[expect(
    clippy::needless_pass_by_value,
    reason = "handlers are passed by value everywhere in axum"
)]
pub fn endpoint<H, T, S>(handler: H) -> Router<S>
where
    H: Handler<T, S>,
    T: Describes + 'static,
    S: Clone + Send + Sync + 'static,
{
    let paths = <T::Request as Metadata>::PATH_BUILDER;
    paths
        .all_paths()
        .fold(Router::new(), |router, path| router.merge(endpoint_at(path, handler.clone())))
}

/// Registers `handler` under one more path with the endpoint's method, for paths that clients use
/// and ruma does not list. Variables must stand in the same order as in ruma's path.
pub fn endpoint_at<H, T, S>(path: &str, handler: H) -> Router<S>
where
    H: Handler<T, S>,
    T: Describes + 'static,
    S: Clone + Send + Sync + 'static,
{
    let method = <T::Request as Metadata>::METHOD;
    let filter = MethodFilter::try_from(method)
        .expect("endpoints of Matrix use the standard methods, all of which axum has filters for");
    Router::new().route(path, on(filter, handler))
}
