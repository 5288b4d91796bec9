//! The bounds of the edge that a configuration names.

use std::time::Duration;

use http_edge::{EdgeBounds, Rate, RateTable};

use crate::config::Config;

/// The bounds for `http_edge::Edge::new`.
pub(crate) fn edge_bounds(config: &Config) -> EdgeBounds {
    let limits = &config.limits;
    EdgeBounds {
        json_body_max: limits.json_body_bytes,
        upload_max: config.media.upload_bytes,
        body_deadline: Duration::from_secs(limits.body_seconds),
        requests_max: limits.requests,
        long_polls_max: limits.long_polls,
        rates_enabled: limits.enabled,
        rates: RateTable {
            user: rate(limits.user_per_minute, limits.user_burst),
            anonymous: rate(limits.anonymous_per_minute, limits.anonymous_burst),
            login: rate(limits.login_per_minute, limits.login_burst),
            registration: rate(limits.registration_per_minute, limits.registration_burst),
        },
        rate_keys_max: limits.rate_keys,
    }
}

fn rate(per_minute: u32, burst: u32) -> Rate {
    Rate { per_minute, burst }
}
