//! The bare limit: the least work that an acknowledged event can cost on this machine. A request is
//! parsed, its event is hashed, signed and named as every Matrix server must, and the answer leaves
//! when the bytes are on disk. No rules, no views, no encryption.
//!
//! It is driven by the same senders as the server, and runs on a runtime of its own, as the server
//! runs in a process of its own.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::put,
};
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, RoomVersionId,
    room_version_rules::RoomVersionRules,
    signatures::{Ed25519KeyPair, hash_and_sign_event, reference_hash},
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{
    bare_log::BareLog,
    http_client::Http,
    matrix_client::MatrixClient,
    send::{self, Sender},
    settings::Settings,
};

/// Nobody's name.
const SERVER_NAME: &str = "bare.invalid";

struct Bare {
    key: Ed25519KeyPair,
    rules: RoomVersionRules,
    log: BareLog,
}

/// Serves on a free port for as long as the measuring takes.
pub(crate) async fn run(settings: &Settings) -> Result<Value> {
    let key = Ed25519KeyPair::from_der(&Ed25519KeyPair::generate(), "1".to_owned())
        .context("a fresh key is valid")?;
    let rules = RoomVersionId::V12.rules().context("room version 12 has rules")?;
    let log = BareLog::open(&settings.bare_dir)?;
    let batches = log.batches();
    let bare = Arc::new(Bare { key, rules, log });
    let app = Router::new()
        .route("/_matrix/client/v3/rooms/{room}/send/{event_type}/{txn}", put(accept))
        .with_state(bare);

    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = std::thread::spawn(move || serve(listener, app, stopped));

    let http = Http::new(&address);
    let senders = (0..settings.senders).map(|number| sender(&http, settings, number));
    let senders = senders.collect::<Result<Vec<_>>>()?;
    let mut result = send::measure(settings, senders, "bare").await?;
    // A server that is gone already has said why in its own result.
    let _ = stop.send(());
    let served = tokio::task::spawn_blocking(move || serving.join()).await?;
    served.map_err(|_| anyhow::anyhow!("the bare server panicked"))??;
    result["fdatasyncs"] = batches.load(std::sync::atomic::Ordering::Relaxed).into();
    Ok(result)
}

fn serve(
    listener: std::net::TcpListener,
    app: Router,
    stopped: oneshot::Receiver<()>,
) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            served = async { axum::serve(listener, app).await } => served?,
            _ = stopped => {}
        }
        anyhow::Ok(())
    })
}

fn sender(http: &Http, settings: &Settings, number: usize) -> Result<Sender> {
    let session = json!({
        "user_id": format!("@load-{number}:{SERVER_NAME}"),
        "device_id": format!("BARE{number}"),
        "access_token": "none",
    });
    let client = MatrixClient::from_session(http, &session)?;
    let room = format!("!load-{}", number % settings.rooms.max(1));
    Ok(Sender { client, room })
}

async fn accept(
    State(bare): State<Arc<Bare>>,
    Path((room, event_type, txn)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    let event = match bare.event(&room, &event_type, &txn, &body) {
        Ok(event) => event,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    match bare.log.append(event.bytes).await {
        Ok(()) => axum::Json(json!({ "event_id": event.id })).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

struct Made {
    id: String,
    bytes: Vec<u8>,
}

impl Bare {
    fn event(&self, room: &str, event_type: &str, txn: &str, body: &[u8]) -> Result<Made> {
        let content: CanonicalJsonObject = serde_json::from_slice(body)?;
        let made = json!({
            "type": event_type, "room_id": room, "sender": format!("@load:{SERVER_NAME}"),
            "origin_server_ts": 1_700_000_000_000_u64, "depth": 12,
            "prev_events": [format!("${:0<43}", txn.len())],
            "auth_events": [format!("${:0<43}", 1), format!("${:0<43}", 2), format!("${:0<43}", 3)],
        });
        let mut event: CanonicalJsonObject = serde_json::from_value(made)?;
        event.insert("content".to_owned(), CanonicalJsonValue::Object(content));
        hash_and_sign_event(SERVER_NAME, &self.key, &mut event, &self.rules.redaction)?;
        let id = format!("${}", reference_hash(&event, &self.rules)?);
        Ok(Made { id, bytes: serde_json::to_vec(&event)? })
    }
}
