//! `PUT /room_keys/keys`.

use axum::extract::State;
use commands::user::store_backup_keys;
use facts::fact::BackupSession;
use http_edge::Matrix;
use ruma::api::client::backup::add_backup_keys::v3::{Request, Response};

use super::backup_version::{number, session, uint};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn add_backup_keys(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let version = number(&request.version)?;
    let mut sessions: Vec<BackupSession> = Vec::new();
    for (room, backup) in &request.rooms {
        let of_room = backup.sessions.iter();
        sessions.extend(of_room.map(|(id, data)| session(room, id, data)));
    }
    let stored = store_backup_keys(&state.write_side, &identity.user, version, &sessions).await?;
    answer(Response::new(stored.etag.to_string(), uint(stored.count)))
}
