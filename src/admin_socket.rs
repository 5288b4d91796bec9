//! `<data_dir>/admin.sock`: how `chancery user` speaks to a running server.
//!
//! One line of JSON in, one line of JSON out, on a socket that its owner alone can open (0600).
//! Operator's work only: of governance nothing but the first set-up of roles, once. Invariants: I10 (bounded connections, line length and time).

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream as StdUnixStream},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

use crate::user_admin::{UserAdmin, UserAnswer, UserRequest};

/// Name of the socket in the data directory.
const SOCKET: &str = "admin.sock";
/// A request is at most this long.
const LINE_BYTES_MAX: u64 = 64 * 1024;
/// Connections at once.
const CONNECTIONS_MAX: usize = 16;
/// One request, password hashing included.
const REQUEST_MAX: Duration = Duration::from_mins(1);

/// Where a data directory has its socket.
pub(crate) fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join(SOCKET)
}

/// Serves the socket until the task is dropped. Call it with the lease in hand: a socket that is
/// there is then left over from a process that is gone.
pub(crate) fn serve(data_dir: &Path, admin: UserAdmin) -> anyhow::Result<()> {
    let path = socket_path(data_dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot replace {}", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(&path)
        .with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("cannot protect {}", path.display()))?;
    tokio::spawn(async move {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else { continue };
            let admin = admin.clone();
            tokio::spawn(async move {
                let served = timeout(REQUEST_MAX, serve_one(stream, &admin)).await;
                if !matches!(served, Ok(Ok(()))) {
                    tracing::debug!("a request on the admin socket broke off");
                }
                drop(slot);
            });
        }
    });
    Ok(())
}

async fn serve_one(mut stream: UnixStream, admin: &UserAdmin) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    tokio::io::BufReader::new(read.take(LINE_BYTES_MAX)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<UserRequest>(&line) {
        Ok(request) => admin.answer(request).await,
        Err(_) => UserAnswer::Refused { why: "the request is malformed".to_owned() },
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    write.write_all(&line).await
}

/// Asks the running server; `None` where none runs.
pub(crate) fn ask(data_dir: &Path, request: &UserRequest) -> anyhow::Result<Option<UserAnswer>> {
    let path = socket_path(data_dir);
    let mut stream = match StdUnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot reach {}", path.display()));
        }
    };
    let broken = || format!("the server broke off on {}", path.display());
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).with_context(broken)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).with_context(broken)?;
    serde_json::from_str(&answer).with_context(broken).map(Some)
}
