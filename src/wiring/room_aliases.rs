//! Which aliases of this server point to a room, for the write side's endpoints.

use projections::ClientView;
use ruma::{OwnedRoomAliasId, RoomId};
use write_endpoints::RoomAliases;

pub(super) struct ViewRoomAliases(pub(super) ClientView);

impl RoomAliases for ViewRoomAliases {
    fn of(&self, room: &RoomId) -> Vec<OwnedRoomAliasId> {
        let Ok(snapshot) = self.0.snapshot() else {
            tracing::warn!("the view is not there; the aliases of a room stay where they are");
            return Vec::new();
        };
        let aliases = snapshot.aliases_of(room.as_str()).unwrap_or_else(|error| {
            tracing::error!(?error, "the aliases of a room cannot be read; they stay");
            Vec::new()
        });
        aliases.into_iter().filter_map(|alias| OwnedRoomAliasId::try_from(alias).ok()).collect()
    }
}
