//! `GET /_matrix/client/versions`. Needs no token.

use axum::Json;
use http_edge::Matrix;
use ruma::api::client::discovery::get_supported_versions::Request;
use serde_json::{Value, json};

/// Versions of the specification whose endpoints are served.
const VERSIONS: [&str; 19] = [
    "v1.1", "v1.2", "v1.3", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8", "v1.9", "v1.10", "v1.11",
    "v1.12", "v1.13", "v1.14", "v1.15", "v1.16", "v1.17", "v1.18", "v1.19",
];

/// Client-server API, `getVersions`.
pub(crate) async fn get_supported_versions(_: Matrix<Request>) -> Json<Value> {
    Json(json!({
        "versions": VERSIONS,
        "unstable_features": {
            // Served under the names that today's clients look for.
            "org.matrix.msc3916.stable": true,
            "org.matrix.msc4222": true,
            "uk.half-shot.msc2666.query_mutual_rooms.stable": true,
            "uk.tcpip.msc4133.stable": true,
        },
    }))
}
