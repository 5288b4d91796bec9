//! Media of this server.

use facts::{Fact, LogPosition, StreamId, Timestamp, fact::MediaStored};

use super::Snapshot;
use crate::{
    client_view::{rows::MediaRow, table::Table},
    store::{Key, Rows, StoreError},
};

/// A media id of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaInfo {
    /// Uploader.
    pub user: StreamId,
    /// End of the reservation, for a media id without content yet.
    pub expires_at: Option<Timestamp>,
    /// When it was reserved or stored.
    pub at: Timestamp,
    /// The stored blob; `None` while it is only reserved, or where its keys are destroyed or a
    /// policy hides it.
    pub stored: Option<MediaStored>,
    /// True once content was stored, readable or not.
    pub has_content: bool,
    /// The entry that says so.
    pub stored_at: Option<LogPosition>,
}

impl Snapshot {
    /// A media id.
    pub fn media(&self, media_id: &str) -> Result<Option<MediaInfo>, StoreError> {
        let key = Key::new(Table::Media).str(media_id);
        let Some(row) = self.rows.get_row::<MediaRow>(&key)? else {
            return Ok(None);
        };
        let hidden = self.is_media_hidden(media_id, StreamId(row.user), row.at)?;
        let body = match row.stored.filter(|_| !hidden) {
            Some(position) => self.body(LogPosition(position))?,
            None => None,
        };
        Ok(Some(MediaInfo {
            user: StreamId(row.user),
            expires_at: row.expires_at,
            at: row.at,
            has_content: row.stored.is_some(),
            stored_at: row.stored.map(LogPosition),
            stored: body.and_then(|body| match &body.fact {
                Fact::MediaStored(stored) => Some(stored.clone()),
                _ => None,
            }),
        }))
    }
}
