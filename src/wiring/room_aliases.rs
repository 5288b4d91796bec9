//! Which aliases of this server point to a room, for the write side's endpoints.

use projections::ClientView;
use ruma::{OwnedRoomAliasId, RoomId};
use write_endpoints::RoomAliases;

pub(super) struct ViewRoomAliases(pub(super) ClientView);

impl RoomAliases for ViewRoomAliases {
    fn of(&self, room: &RoomId) -> Vec<OwnedRoomAliasId> {
        let read = || self.0.snapshot().ok()?.aliases_of(room.as_str()).ok();
        let aliases = read().unwrap_or_default();
        aliases.into_iter().filter_map(|alias| OwnedRoomAliasId::try_from(alias).ok()).collect()
    }
}
