//! Whose a media id is, for the write side's endpoints.

use projections::ClientView;
use write_endpoints::{MediaId, MediaIds};

pub(super) struct ViewMediaIds(pub(super) ClientView);

impl MediaIds for ViewMediaIds {
    fn find(&self, media_id: &str) -> Option<MediaId> {
        let media = self.0.snapshot().ok()?.media(media_id).ok()??;
        Some(MediaId { owner: media.user, has_content: media.has_content })
    }
}
