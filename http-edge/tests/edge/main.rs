//! The edge as a client sees it: tiny routers over ruma's types, called without a socket.

mod app;
mod bodies;
mod requests;
