//! Reserving media ids and making media of blobs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use decide::{
    media as rules,
    user::{UserFold, UserRefusal},
};
use facts::{
    Fact, Routing, Timestamp,
    fact::{MediaReserved, MediaStored},
};
use ruma::UserId;

use super::StoredBlob;
use crate::{
    CommandError, Decision, WriteSide,
    user::{PersonFold, look},
};

/// Random bytes of a media id.
pub const MEDIA_ID_BYTES: usize = 18;

/// Why media was not reserved or stored.
pub type MediaError = CommandError<UserRefusal>;

/// What an uploader says of a blob.
#[derive(Clone, Debug)]
pub struct MediaUpload {
    /// Media id; from [`new_media_id`] or a reservation.
    pub media_id: String,
    /// The id was reserved earlier.
    pub reserved: bool,
    /// Content type.
    pub content_type: Option<String>,
    /// File name.
    pub file_name: Option<String>,
    /// The blob, which is durable.
    pub blob: StoredBlob,
}

/// A media id that nobody can guess.
pub fn new_media_id(ws: &WriteSide) -> String {
    URL_SAFE_NO_PAD.encode(ws.random_bytes::<MEDIA_ID_BYTES>())
}

/// Reserves a media id; answers it with the time at which the reservation ends.
pub async fn reserve_media(
    ws: &WriteSide,
    user: &UserId,
) -> Result<(String, Timestamp), MediaError> {
    let media_id = new_media_id(ws);
    let now = ws.now();
    let reserved: MediaReserved =
        append(ws, user, |fold| rules::reserve_media(fold, &media_id, now)).await?;
    Ok((reserved.media_id, reserved.expires_at))
}

/// Whether content may be uploaded for a reserved id; ask before reading the bytes.
pub async fn check_reserved(
    ws: &WriteSide,
    user: &UserId,
    media_id: &str,
) -> Result<(), MediaError> {
    let now = ws.now();
    look(ws, user, |fold| rules::check_reserved(fold, media_id, now))
        .await?
        .map_err(MediaError::Refusal)
}

/// Makes media of a durable blob. If it is refused the caller removes the blob.
pub async fn store_media(
    ws: &WriteSide,
    user: &UserId,
    upload: MediaUpload,
) -> Result<(), MediaError> {
    let now = ws.now();
    let reserved = upload.reserved;
    let stored = MediaStored {
        media_id: upload.media_id,
        blob: upload.blob.name,
        blob_key: upload.blob.key,
        bytes: upload.blob.bytes,
        sha256: upload.blob.sha256,
        content_type: upload.content_type,
        file_name: upload.file_name,
    };
    append(ws, user, |fold| rules::store_media(fold, stored.clone(), reserved, now)).await?;
    Ok(())
}

async fn append<T: Into<Fact> + Clone>(
    ws: &WriteSide,
    user: &UserId,
    mut decide: impl FnMut(&UserFold) -> Result<T, UserRefusal>,
) -> Result<T, MediaError> {
    let unknown = CommandError::Refusal(UserRefusal::UnknownUser);
    let stream = ws.user_stream(user)?.ok_or(unknown)?;
    let decide = |person: &PersonFold| {
        let reply = decide(person.user())?;
        let fact: Fact = reply.clone().into();
        let draft =
            fact.draft(Routing::own(stream)).expect("the routing of an own fact names the person");
        Ok(Decision { drafts: vec![draft], reply })
    };
    let done = ws.actors::<PersonFold>().execute(stream, decide).await?;
    Ok(done.reply)
}
