//! `PUT /room_keys/keys/{roomId}`.

use axum::extract::State;
use commands::user::store_backup_keys;
use facts::fact::BackupSession;
use http_edge::Matrix;
use ruma::api::client::backup::add_backup_keys_for_room::v3::{Request, Response};

use super::backup_version::{number, session, uint};
use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn add_backup_keys_for_room(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let version = number(&request.version)?;
    let sessions: Vec<BackupSession> =
        request.sessions.iter().map(|(id, data)| session(&request.room_id, id, data)).collect();
    let stored = store_backup_keys(&state.write_side, &identity.user, version, &sessions).await?;
    answer(Response::new(stored.etag.to_string(), uint(stored.count)))
}
