//! What the values of a configuration must fulfil together.
//!
//! Owns the rules that no single type can express. Reads no file: that a named file can be read
//! is found when it is needed, under the account that needs it.

use ruma::RoomVersionId;

use super::{Config, LogBackend, MediaBackend};

/// Keys and what is wrong with them.
pub(super) type Wrong = Vec<(&'static str, String)>;

/// Everything that does not fit.
pub(super) fn check(config: &Config) -> Wrong {
    let mut wrong = Wrong::new();
    check_listeners(config, &mut wrong);
    check_bounds(config, &mut wrong);
    check_backends(config, &mut wrong);
    check_offsite(config, &mut wrong);
    if let Some(url) = &config.server.public_base_url
        && !is_base_url(url)
    {
        wrong.push((
            "server.public_base_url",
            "must be an http:// or https:// URL without query".to_owned(),
        ));
    }
    if !can_create(&config.rooms.default_version) {
        wrong
            .push(("rooms.default_version", "rooms can be created in versions 2 to 12".to_owned()));
    }
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&config.telemetry.filter) {
        wrong.push(("telemetry.filter", error.to_string()));
    }
    wrong
}

fn check_listeners(config: &Config, wrong: &mut Wrong) {
    let listen = &config.listen;
    let named = [
        ("listen.client", listen.client),
        ("listen.federation", listen.federation),
        ("listen.admin", listen.admin),
    ];
    let mut seen = Vec::new();
    for (key, address) in named {
        let Some(address) = address else { continue };
        if address.port() != 0 && seen.contains(&address) {
            wrong.push((key, format!("{address} is the address of another listener")));
        }
        seen.push(address);
    }
    match (&listen.tls_cert, &listen.tls_key) {
        (Some(_), None) => wrong.push(("listen.tls_cert", "needs listen.tls_key".to_owned())),
        (None, Some(_)) => wrong.push(("listen.tls_key", "needs listen.tls_cert".to_owned())),
        _ => {}
    }
    if listen.federation.is_some() && !config.federation.enabled {
        wrong.push((
            "listen.federation",
            "federation.enabled is false: remove one of the two".to_owned(),
        ));
    }
}

fn check_bounds(config: &Config, wrong: &mut Wrong) {
    let limits = &config.limits;
    let sizes = [
        ("limits.rate_keys", limits.rate_keys),
        ("limits.json_body_bytes", limits.json_body_bytes),
        ("limits.requests", limits.requests),
        ("limits.long_polls", limits.long_polls),
        ("limits.connections", limits.connections),
        ("media.upload_bytes", config.media.upload_bytes),
    ];
    let rates = [
        ("limits.user_per_minute", limits.user_per_minute),
        ("limits.user_burst", limits.user_burst),
        ("limits.anonymous_per_minute", limits.anonymous_per_minute),
        ("limits.anonymous_burst", limits.anonymous_burst),
        ("limits.login_per_minute", limits.login_per_minute),
        ("limits.login_burst", limits.login_burst),
        ("limits.registration_per_minute", limits.registration_per_minute),
        ("limits.registration_burst", limits.registration_burst),
    ];
    let times = [
        ("limits.header_seconds", limits.header_seconds),
        ("limits.body_seconds", limits.body_seconds),
        ("limits.body_idle_seconds", limits.body_idle_seconds),
    ];
    let zero = sizes.iter().filter(|(_, value)| *value == 0).map(|(key, _)| *key);
    let zero = zero.chain(rates.iter().filter(|(_, value)| *value == 0).map(|(key, _)| *key));
    let zero = zero.chain(times.iter().filter(|(_, value)| *value == 0).map(|(key, _)| *key));
    wrong.extend(zero.map(|key| (key, "must be at least 1".to_owned())));
    if !(10..=60_000).contains(&config.ledger.checkpoint_interval_ms) {
        wrong.push(("ledger.checkpoint_interval_ms", "must be 10 to 60000".to_owned()));
    }
}

fn check_offsite(config: &Config, wrong: &mut Wrong) {
    let offsite = &config.offsite;
    let bounds = [
        ("offsite.retention_days", offsite.retention_days, 36_500),
        ("offsite.timeout_seconds", offsite.timeout_seconds, 3_600),
        ("offsite.tries", offsite.tries, 10),
        ("offsite.checkpoint_seconds", offsite.checkpoint_seconds, 86_400),
    ];
    for (key, value, most) in bounds {
        if !(1..=most).contains(&value) {
            wrong.push((key, format!("must be 1 to {most}")));
        }
    }
    if !(5..=5_120).contains(&offsite.part_mebibytes) {
        wrong.push(("offsite.part_mebibytes", "must be 5 to 5120".to_owned()));
    }
    if offsite.close_after_hours > 8_760 {
        wrong.push(("offsite.close_after_hours", "must be 0 to 8760".to_owned()));
    }
    if let Some(to) = &offsite.ship_to
        && to.strip_prefix("s3://").is_none_or(|bucket| bucket.trim_matches('/').is_empty())
    {
        wrong.push(("offsite.ship_to", "must be s3://bucket/prefix".to_owned()));
    }
    if let Some(endpoint) = &offsite.endpoint
        && !is_base_url(endpoint)
    {
        wrong.push((
            "offsite.endpoint",
            "must be an http:// or https:// URL without query".to_owned(),
        ));
    }
}

fn check_backends(config: &Config, wrong: &mut Wrong) {
    if config.log.backend != LogBackend::Embedded {
        wrong.push(("log.backend", "this build has no other backend than \"embedded\"".to_owned()));
    }
    if config.media.backend != MediaBackend::Filesystem {
        wrong.push((
            "media.backend",
            "this build has no other backend than \"filesystem\"".to_owned(),
        ));
    }
}

fn is_base_url(url: &str) -> bool {
    let Ok(uri) = url.parse::<axum::http::Uri>() else {
        return false;
    };
    matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some()
        && uri.query().is_none()
}

/// A version that ruma does not know has no rules, and the first state resolution is not there.
fn can_create(version: &RoomVersionId) -> bool {
    version.rules().is_some_and(|rules| rules.state_res.v2_rules().is_some())
}
