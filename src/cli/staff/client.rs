//! The HTTP client of officers' commands.
//!
//! Owns one request and its answer, whole or in pieces, with bounds on time and length. TLS checks the server against
//! the operating system's roots; a token goes over plain HTTP to this machine alone.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use policies::ADMIN_PREFIX;
use serde_json::Value;

use crate::cli::Failure;

/// For one answer.
const DEADLINE: Duration = Duration::from_mins(1);
/// An answer is at most this long; a page of events has 8 MiB of parts.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long the next bytes of a stream may take.
const IDLE: Duration = Duration::from_mins(1);

/// A server, and as whom to speak to it. Its connection stays open between requests.
pub(in crate::cli) struct Client {
    base: String,
    token: String,
    runtime: tokio::runtime::Runtime,
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Client {
    pub(super) fn new(server: &str, token: &str) -> anyhow::Result<Self> {
        let base = server.trim_end_matches('/');
        let wrong = |why: &str| {
            let what = format!("`{server}` is no address of a server: {why}");
            Failure::new(what, "name it as https://matrix.example.org")
        };
        let uri: Uri = base.parse().map_err(|_| wrong("it is no URL"))?;
        match (uri.scheme_str(), uri.host()) {
            (Some("https"), Some(_))
            | (Some("http"), Some("localhost" | "127.0.0.1" | "[::1]")) => {}
            (Some("http"), Some(_)) => bail!(wrong("plain http would show your token to others")),
            _ => bail!(wrong("it begins with https://")),
        }
        if token.is_empty() || token.contains(char::is_whitespace) {
            bail!(Failure::new(
                "the token file does not hold one access token",
                "put your own access token into it, and nothing else"
            ));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("this machine has no roots to check servers against")?
            .https_or_http()
            .enable_http1()
            .build();
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { base: base.to_owned(), token: token.to_owned(), runtime, http })
    }

    /// One request; its answer if it was good, else why not.
    pub(in crate::cli) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let answer = self.bytes(method, path, body)?;
        Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    /// The same for an answer that is not JSON.
    pub(in crate::cli) fn bytes(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Bytes> {
        self.within(DEADLINE, async {
            let response = self.good(self.send(method, path, body).await?).await?;
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body
                .map_err(|error| anyhow::anyhow!("{} broke off its answer: {error}", self.base))?;
            Ok(body.to_bytes())
        })
    }

    /// A long answer in pieces. `Ok(false)` where the server says that it is not there.
    pub(in crate::cli) fn stream(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        let response = self.within(DEADLINE, self.send("GET", path, None))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        let mut body = self.within(DEADLINE, self.good(response))?.into_body();
        loop {
            let frame = self.within(IDLE, async { Ok(body.frame().await) })?;
            let Some(frame) = frame else { return Ok(true) };
            let frame = frame
                .map_err(|error| anyhow::anyhow!("{} broke off its answer: {error}", self.base))?;
            if let Some(piece) = frame.data_ref() {
                take(piece)?;
            }
        }
    }

    fn within<T>(
        &self,
        bound: Duration,
        exchange: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        self.runtime.block_on(async {
            tokio::time::timeout(bound, exchange).await.unwrap_or_else(|_| {
                let what = format!("{} did not answer within {} s", self.base, bound.as_secs());
                Err(Failure::new(what, "see whether the server is well, and try again").into())
            })
        })
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response<Incoming>> {
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{ADMIN_PREFIX}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(bytes)))
            .context("no request can be made of this")?;
        self.http.request(request).await.map_err(|error| {
            let what = format!("cannot reach {}: {error}", self.base);
            anyhow::Error::from(error)
                .context(Failure::new(what, "see that the server runs and the address is right"))
        })
    }

    /// The answer if it is good, else why not.
    async fn good(&self, response: Response<Incoming>) -> anyhow::Result<Response<Incoming>> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let answer: Value = body
            .ok()
            .and_then(|body| serde_json::from_slice(&body.to_bytes()).ok())
            .unwrap_or(Value::Null);
        let why = answer["error"].as_str().unwrap_or("the server gave no reason");
        let code = answer["errcode"].as_str().unwrap_or("-");
        Err(Failure::new(
            format!("refused ({} {code}): {why}", status.as_u16()),
            "change what you ask for; the `list` or `show` of what you asked about says what is there, \
             and `chancery role list` who may do what",
        )
        .into())
    }
}
