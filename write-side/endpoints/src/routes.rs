//! The routes of the write side while they are collected.
//!
//! Owns the list of what is served, which comes from the same metadata as the routes, so that the
//! two cannot differ. Never decides what a handler does.

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use http::Method;
use http_edge::{Describes, endpoint, endpoint_at};
use ruma::api::{Metadata, path_builder::PathBuilder as _};

use crate::WriteEndpoints;

/// A route that is served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Served {
    /// The method, in capitals.
    pub method: String,
    /// The path template, with variables in braces.
    pub path: String,
}

/// Routes that are being collected.
pub(crate) struct Routes {
    router: Router<WriteEndpoints>,
    served: Vec<Served>,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), served: Vec::new() }
    }

    /// Serves a handler under all paths of the endpoint that its last extractor names.
    pub(crate) fn endpoint<H, T>(mut self, handler: H) -> Self
    where
        H: Handler<T, WriteEndpoints>,
        T: Describes + 'static,
    {
        for path in <T::Request as Metadata>::PATH_BUILDER.all_paths() {
            self.note(&<T::Request as Metadata>::METHOD, path);
        }
        self.router = self.router.merge(endpoint(handler));
        self
    }

    /// Serves a handler under one more path that ruma does not list.
    pub(crate) fn endpoint_at<H, T>(mut self, path: &str, handler: H) -> Self
    where
        H: Handler<T, WriteEndpoints>,
        T: Describes + 'static,
    {
        self.note(&<T::Request as Metadata>::METHOD, path);
        self.router = self.router.merge(endpoint_at(path, handler));
        self
    }

    /// Serves a handler that reads its request by itself with another method under the paths of
    /// the endpoint `R`.
    pub(crate) fn raw_beside<R, H, T>(mut self, method: &Method, handler: &H) -> Self
    where
        R: Metadata,
        H: Handler<T, WriteEndpoints>,
        T: 'static,
    {
        for path in R::PATH_BUILDER.all_paths() {
            self = self.raw_at(method.clone(), path, handler);
        }
        self
    }

    /// Serves a handler that reads its request by itself under a path.
    pub(crate) fn raw_at<H, T>(mut self, method: Method, path: &str, handler: &H) -> Self
    where
        H: Handler<T, WriteEndpoints>,
        T: 'static,
    {
        self.note(&method, path);
        let filter = MethodFilter::try_from(method)
            .expect("endpoints of Matrix use the standard methods, all of which axum has");
        self.router = self.router.route(path, on(filter, handler.clone()));
        self
    }

    pub(crate) fn served(mut self) -> Vec<Served> {
        self.served.sort();
        self.served
    }

    pub(crate) fn router(self) -> Router<WriteEndpoints> {
        self.router
    }

    fn note(&mut self, method: &Method, path: &str) {
        self.served.push(Served { method: method.to_string(), path: path.to_owned() });
    }
}
