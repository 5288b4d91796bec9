//! Metrics in Prometheus' text format, served by our own admin listener.

use std::time::Duration;

use anyhow::Context as _;
use axum::{Router, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the buckets of durations, in seconds: from a cached read to a long-poll.
const DURATION_BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// How often values that were recorded are folded into their buckets, so that memory stays
/// bounded where nobody asks for the metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// The process's metrics.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder for the process. Fails if one was installed before.
    pub(crate) fn install() -> anyhow::Result<Self> {
        let recorder = builder()?.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).context("metrics were installed before")?;
        Ok(Self(handle))
    }

    /// The route `/metrics`.
    pub(crate) fn route(&self) -> Router {
        let handle = self.0.clone();
        Router::new().route(
            "/metrics",
            get(move || {
                let text = handle.render();
                async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response() }
            }),
        )
    }

    /// Keeps the memory of the metrics bounded; runs as long as the server does.
    pub(crate) async fn upkeep(self) {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }
}

fn builder() -> anyhow::Result<PrometheusBuilder> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), &DURATION_BUCKETS)
        .context("the buckets of durations")
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn metrics_are_served_as_text() {
        let recorder = builder().expect("a builder").build_recorder();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("tests_total").increment(3);
            metrics::histogram!("test_duration_seconds").record(0.02);
        });
        let request = Request::get("/metrics").body(Body::empty()).expect("a request");
        let response = metrics.route().oneshot(request).await.expect("an answer");
        let body = axum::body::to_bytes(response.into_body(), 100_000).await.expect("a body");
        let text = String::from_utf8(body.to_vec()).expect("text");
        assert!(text.contains("tests_total 3"), "{text}");
        assert!(text.contains("test_duration_seconds_bucket{le=\"0.025\"} 1"), "{text}");
    }
}
