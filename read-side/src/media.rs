//! Endpoints about media: downloads, thumbnails, limits.

mod disposition;
mod get_content;
mod get_content_as_filename;
mod get_content_thumbnail;
mod get_media_config;
mod serve;
mod stored_media;
mod thumbnail;

use axum::Router;
use http_edge::endpoint;

use crate::state::ReadSide;

pub(crate) const SERVED: &[&str] =
    &["get_content", "get_content_as_filename", "get_content_thumbnail", "get_media_config"];

pub(crate) fn routes() -> Router<ReadSide> {
    Router::new()
        .merge(endpoint(get_content::get_content))
        .merge(endpoint(get_content_as_filename::get_content_as_filename))
        .merge(endpoint(get_content_thumbnail::get_content_thumbnail))
        .merge(endpoint(get_media_config::get_media_config))
        .merge(endpoint(get_media_config::get_legacy_media_config))
}
