//! Plain HTTP/1.1 with JSON bodies, the transport of every test client and of the load generator.
//!
//! Owns the connection pool and the reading of answers. Every request has a deadline, so that a
//! server that stops answering fails the caller instead of hanging it. Never retries: what a lost
//! answer means is the caller's to decide.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Longer than any long poll that is asked for here.
const DEADLINE: Duration = Duration::from_secs(90);

/// An answer larger than this is a fault of the server under test.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// One base address and its pooled connections.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

/// A request that is not JSON: its raw bytes and their type.
#[derive(Clone, Debug)]
pub(crate) struct RawBody {
    /// The `Content-Type` header.
    pub(crate) content_type: String,
    /// Sent as they are.
    pub(crate) bytes: Bytes,
}

/// A complete answer of any status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Response headers.
    pub(crate) headers: HeaderMap,
    /// Whole body.
    pub(crate) body: Bytes,
    request: String,
}

impl Http {
    /// `base` is scheme and authority, such as `http://127.0.0.1:8008`.
    pub(crate) fn new(base: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
        Self { client, base: base.trim_end_matches('/').to_owned() }
    }

    /// Scheme and authority.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends JSON, or nothing, and reads the whole answer.
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let body = match body {
            Some(value) => Some(RawBody {
                content_type: "application/json".to_owned(),
                bytes: Bytes::from(serde_json::to_vec(value)?),
            }),
            None => None,
        };
        self.raw(method, path, token, body).await
    }

    /// Sends bytes, or nothing, and reads the whole answer.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<RawBody>,
    ) -> Result<Answer> {
        let named = format!("{method} {}{path}", self.base);
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, body.content_type);
                body.bytes
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(bytes)).with_context(|| named.clone())?;
        tokio::time::timeout(DEADLINE, self.exchange(request, &named))
            .await
            .with_context(|| format!("{named}: no answer within {DEADLINE:?}"))?
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, named: &str) -> Result<Answer> {
        let response = self.client.request(request).await.with_context(|| named.to_owned())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("{named}: the answer broke off: {error}"))?
            .to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body, request: named.to_owned() })
    }
}

impl Answer {
    /// The body as JSON, whatever the status.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {self}"))
    }

    /// The body of a 2xx answer; anything else is an error that says all.
    pub(crate) fn ok(&self) -> Result<Value> {
        if !self.status.is_success() {
            bail!("refused: {self}");
        }
        self.json()
    }

    /// Matrix error code, if the body has one.
    pub(crate) fn errcode(&self) -> Option<String> {
        Some(self.json().ok()?.get("errcode")?.as_str()?.to_owned())
    }

    /// Checks that this is the refusal `status` with `errcode`, and gives its body.
    pub(crate) fn refused(&self, status: u16, errcode: &str) -> Result<Value> {
        if self.status.as_u16() != status || self.errcode().as_deref() != Some(errcode) {
            bail!("expected {status} {errcode}, got {self}");
        }
        self.json()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 2_000;
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(SHOWN)]);
        write!(f, "{} -> {}: {text}", self.request, self.status)
    }
}

/// Percent-encodes one path segment or query value (RFC 3986, unreserved characters stay).
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}
