//! What every test of the whole server needs: the process, a client, and ways to look at answers.
//!
//! Included by each test with `#[path]`, for a file of this folder is no test by itself.

#[path = "http_client.rs"]
pub(crate) mod http_client;
#[path = "matrix_client.rs"]
pub(crate) mod matrix_client;
#[path = "server.rs"]
pub(crate) mod server;
#[path = "timeline.rs"]
pub(crate) mod timeline;

use matrix_client::{MatrixClient, Registration};
use server::Server;

/// The password of every test account.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Registers `name` on `server`.
pub(crate) async fn register(server: &Server, name: &str) -> anyhow::Result<MatrixClient> {
    MatrixClient::register(&server.http(), name, PASSWORD, &Registration::Open).await
}

/// Registers two users and brings both into one room that `first` made with `options`.
pub(crate) async fn two_in_a_room(
    server: &Server,
    options: &serde_json::Value,
) -> anyhow::Result<(MatrixClient, MatrixClient, String)> {
    let first = register(server, "alice").await?;
    let second = register(server, "bob").await?;
    let room = first.create_room(options).await?;
    first.invite(&room, &second.user_id).await?;
    second.join(&room).await?;
    Ok((first, second, room))
}
