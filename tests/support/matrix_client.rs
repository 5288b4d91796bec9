//! A small Matrix client over the raw client-server API: one account, one device, one sync cursor.
//!
//! Owns what a client must remember: its token, where its sync stands, and which transaction ids it
//! has used. It shows answers as JSON, as they came, so that tests see what a peer would see. Never
//! hides a refusal, never retries by itself.

use anyhow::{Context, Result, bail, ensure};
use http::Method;
use serde_json::{Value, json};

use super::http_client::{Answer, Http, RawBody, encode};

/// Stages of user-interactive authentication that are tried before giving up.
const STAGES_MAX: usize = 5;

/// Pages of one walk through history; more is a walk that does not end.
const PAGES_MAX: usize = 10_000;

/// Syncs that one wait may use; each waits in the server, so this bounds time as well.
const SYNCS_MAX: usize = 200;

/// How long the server may hold a sync of a wait, in milliseconds.
const POLL_MS: u32 = 1_000;

/// What a server asks of those who register.
#[derive(Clone, Debug)]
pub(crate) enum Registration {
    /// Nothing (`m.login.dummy`).
    Open,
    /// A token that an administrator gave out (`m.login.registration_token`).
    Token(String),
}

/// One logged-in device.
#[derive(Clone, Debug)]
pub(crate) struct MatrixClient {
    /// Shared transport.
    pub(crate) http: Http,
    /// Full Matrix id.
    pub(crate) user_id: String,
    /// Device of this session.
    pub(crate) device_id: String,
    /// Bearer token.
    pub(crate) access_token: String,
    /// Where the next sync starts; `None` starts from scratch.
    pub(crate) since: Option<String>,
    next_txn: u64,
}

impl MatrixClient {
    /// Registers `name` and logs it in.
    pub(crate) async fn register(
        http: &Http,
        name: &str,
        password: &str,
        how: &Registration,
    ) -> Result<Self> {
        let answer = Self::try_register(http, name, password, how).await?;
        Self::from_session(http, &answer.ok()?)
    }

    /// As [`Self::register`], with whatever the server says at the end.
    pub(crate) async fn try_register(
        http: &Http,
        name: &str,
        password: &str,
        how: &Registration,
    ) -> Result<Answer> {
        let mut body = json!({
            "username": name, "password": password, "inhibit_login": false,
            "initial_device_display_name": "test device",
        });
        let path = "/_matrix/client/v3/register";
        let mut answer = http.json(Method::POST, path, None, Some(&body)).await?;
        for _ in 0..STAGES_MAX {
            if answer.status.as_u16() != 401 {
                return Ok(answer);
            }
            let challenge = answer.json()?;
            body["auth"] = next_stage(&challenge, how)?;
            answer = http.json(Method::POST, path, None, Some(&body)).await?;
        }
        bail!("registration asks for ever more stages: {answer}")
    }

    /// Logs `name` in with its password, on a new device or the one given.
    pub(crate) async fn log_in(
        http: &Http,
        name: &str,
        password: &str,
        device_id: Option<&str>,
    ) -> Result<Self> {
        let mut body = json!({
            "type": "m.login.password", "password": password,
            "identifier": { "type": "m.id.user", "user": name },
        });
        if let Some(device_id) = device_id {
            body["device_id"] = device_id.into();
        }
        let path = "/_matrix/client/v3/login";
        let answer = http.json(Method::POST, path, None, Some(&body)).await?;
        Self::from_session(http, &answer.ok()?)
    }

    /// A client out of the body of a registration or a login.
    pub(crate) fn from_session(http: &Http, session: &Value) -> Result<Self> {
        Ok(Self {
            http: http.clone(),
            user_id: text(session, "user_id")?,
            device_id: text(session, "device_id")?,
            access_token: text(session, "access_token")?,
            since: None,
            next_txn: 0,
        })
    }

    /// Any call with this device's token, whatever its outcome. `path` starts at `/_matrix`.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        self.http.json(method, path, Some(&self.access_token), body).await
    }

    /// `GET`, which must succeed. `path` is below `/_matrix/client`.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, &format!("/_matrix/client{path}"), None).await?.ok()
    }

    /// `POST`, which must succeed. `path` is below `/_matrix/client`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, &format!("/_matrix/client{path}"), Some(body)).await?.ok()
    }

    /// `PUT`, which must succeed. `path` is below `/_matrix/client`.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PUT, &format!("/_matrix/client{path}"), Some(body)).await?.ok()
    }

    /// `DELETE`, which must succeed. `path` is below `/_matrix/client`.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::DELETE, &format!("/_matrix/client{path}"), None).await?.ok()
    }

    /// A transaction id that this device has not used.
    pub(crate) fn new_txn(&mut self) -> String {
        self.next_txn += 1;
        format!("txn-{}", self.next_txn)
    }

    /// Creates a room and gives its id.
    pub(crate) async fn create_room(&self, options: &Value) -> Result<String> {
        text(&self.post("/v3/createRoom", options).await?, "room_id")
    }

    /// Joins by id or alias.
    pub(crate) async fn join(&self, room: &str) -> Result<()> {
        self.post(&format!("/v3/join/{}", encode(room)), &json!({})).await?;
        Ok(())
    }

    /// Invites `user_id`.
    pub(crate) async fn invite(&self, room: &str, user_id: &str) -> Result<()> {
        let path = format!("/v3/rooms/{}/invite", encode(room));
        self.post(&path, &json!({ "user_id": user_id })).await?;
        Ok(())
    }

    /// Sends a text message under a new transaction id and gives its event id.
    pub(crate) async fn send_text(&mut self, room: &str, body: &str) -> Result<String> {
        let txn = self.new_txn();
        let content = json!({ "msgtype": "m.text", "body": body });
        let answer = self.send_under(room, "m.room.message", &txn, &content).await?;
        text(&answer.ok()?, "event_id")
    }

    /// Sends under a given transaction id, whatever the outcome.
    pub(crate) async fn send_under(
        &self,
        room: &str,
        event_type: &str,
        txn: &str,
        content: &Value,
    ) -> Result<Answer> {
        let path = format!(
            "/_matrix/client/v3/rooms/{}/send/{}/{}",
            encode(room),
            encode(event_type),
            encode(txn)
        );
        self.call(Method::PUT, &path, Some(content)).await
    }

    /// Sets a state event and gives its event id.
    pub(crate) async fn set_state(
        &self,
        room: &str,
        event_type: &str,
        state_key: &str,
        content: &Value,
    ) -> Result<String> {
        let path = state_path(room, event_type, state_key);
        text(&self.put(&path, content).await?, "event_id")
    }

    /// Content of a current state event.
    pub(crate) async fn state(
        &self,
        room: &str,
        event_type: &str,
        state_key: &str,
    ) -> Result<Value> {
        self.get(&state_path(room, event_type, state_key)).await
    }

    /// Uploads bytes and gives their `mxc:` address.
    pub(crate) async fn upload(&self, content_type: &str, bytes: &[u8]) -> Result<String> {
        let body = RawBody {
            content_type: content_type.to_owned(),
            bytes: bytes::Bytes::copy_from_slice(bytes),
        };
        let path = "/_matrix/media/v3/upload?filename=file";
        let answer = self.http.raw(Method::POST, path, Some(&self.access_token), Some(body));
        text(&answer.await?.ok()?, "content_uri")
    }

    /// Downloads by `mxc:` address, whatever the outcome.
    pub(crate) async fn download(&self, mxc: &str) -> Result<Answer> {
        let place = mxc.strip_prefix("mxc://").context("not an mxc address")?;
        self.call(Method::GET, &format!("/_matrix/client/v1/media/download/{place}"), None).await
    }

    /// One sync from where the last one ended; remembers where this one ends.
    pub(crate) async fn sync(&mut self, timeout_ms: u32) -> Result<Value> {
        self.sync_with(timeout_ms, "").await
    }

    /// As [`Self::sync`] with more query parameters (`"&filter=…"`), already encoded.
    pub(crate) async fn sync_with(&mut self, timeout_ms: u32, more: &str) -> Result<Value> {
        let since = match &self.since {
            Some(since) => format!("&since={}", encode(since)),
            None => String::new(),
        };
        let answer = self.get(&format!("/v3/sync?timeout={timeout_ms}{since}{more}")).await?;
        self.since = Some(text(&answer, "next_batch")?);
        Ok(answer)
    }

    /// Syncs until an answer satisfies `wanted`, and gives that answer. The server does the
    /// waiting (long polls); a bound on the number of polls ends a wait in vain.
    pub(crate) async fn sync_until(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Result<Value> {
        for _ in 0..SYNCS_MAX {
            let answer = self.sync(POLL_MS).await?;
            if wanted(&answer) {
                return Ok(answer);
            }
        }
        bail!("{} never saw {what}", self.user_id)
    }

    /// One page of `/messages` in direction `dir` (`b` or `f`).
    pub(crate) async fn page(
        &self,
        room: &str,
        dir: &str,
        from: Option<&str>,
        limit: u32,
    ) -> Result<Value> {
        let from = from.map(|from| format!("&from={}", encode(from))).unwrap_or_default();
        let room = encode(room);
        self.get(&format!("/v3/rooms/{room}/messages?dir={dir}&limit={limit}{from}")).await
    }

    /// Every event of a room that this user may see, oldest first, by walking back to the start.
    pub(crate) async fn history(&self, room: &str, limit: u32) -> Result<Vec<Value>> {
        let mut events = Vec::new();
        let mut from: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(room, "b", from.as_deref(), limit).await?;
            let chunk = page["chunk"].as_array().context("a page has a chunk")?;
            events.extend(chunk.iter().cloned());
            let Some(end) = page.get("end").and_then(Value::as_str) else {
                events.reverse();
                return Ok(events);
            };
            ensure!(from.as_deref() != Some(end), "a page token that does not move: {end}");
            from = Some(end.to_owned());
        }
        bail!("history of {room} does not end within {PAGES_MAX} pages")
    }
}

/// The next answer to a registration's challenge, out of the first flow that can be gone through.
fn next_stage(challenge: &Value, how: &Registration) -> Result<Value> {
    let done: Vec<&str> = strings(challenge.get("completed"));
    let flows = challenge["flows"].as_array().context("a challenge without flows")?;
    let possible = |stage: &str| match stage {
        "m.login.dummy" | "m.login.terms" => true,
        "m.login.registration_token" => matches!(how, Registration::Token(_)),
        _ => false,
    };
    let stage = flows
        .iter()
        .map(|flow| strings(flow.get("stages")))
        .find(|stages| stages.iter().all(|stage| possible(stage)))
        .and_then(|stages| stages.into_iter().find(|stage| !done.contains(stage)))
        .with_context(|| format!("no flow that can be gone through: {challenge}"))?;
    let mut auth = json!({ "type": stage });
    if let Some(session) = challenge.get("session") {
        auth["session"] = session.clone();
    }
    if let (Registration::Token(token), "m.login.registration_token") = (how, stage) {
        auth["token"] = token.as_str().into();
    }
    Ok(auth)
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).collect()
}

/// A string member of an answer, or an error that shows the answer.
pub(crate) fn text(answer: &Value, key: &str) -> Result<String> {
    let found = answer.get(key).and_then(Value::as_str);
    Ok(found.with_context(|| format!("no string `{key}` in {answer}"))?.to_owned())
}

/// Where a state event stands, below `/_matrix/client`.
fn state_path(room: &str, event_type: &str, state_key: &str) -> String {
    let (room, event_type, state_key) = (encode(room), encode(event_type), encode(state_key));
    format!("/v3/rooms/{room}/state/{event_type}/{state_key}")
}
