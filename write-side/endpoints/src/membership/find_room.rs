//! The room that a client names by id or alias.

use commands::alias::resolve_alias;
use http_edge::MatrixError;
use ruma::{OwnedRoomId, OwnedServerName, RoomAliasId, RoomId, RoomOrAliasId};

use crate::{WriteEndpoints, errors::EndpointError};

/// A room and the servers that may know it, best first.
pub(super) struct FoundRoom {
    pub(super) room: OwnedRoomId,
    pub(super) via: Vec<OwnedServerName>,
}

/// Finds the room; `via` are the servers that the client names.
pub(super) async fn find_room(
    state: &WriteEndpoints,
    named: &RoomOrAliasId,
    mut via: Vec<OwnedServerName>,
) -> Result<FoundRoom, EndpointError> {
    let alias = match <&RoomId>::try_from(named) {
        Ok(room) => {
            via.extend(room.server_name().map(ToOwned::to_owned));
            let room = room.to_owned();
            return Ok(FoundRoom { room, via });
        }
        Err(alias) => alias,
    };
    let nowhere = || MatrixError::not_found("This room alias points nowhere");
    if state.is_ours(alias.server_name()) {
        return Ok(FoundRoom { room: our_alias(state, alias).await?.ok_or_else(nowhere)?, via });
    }
    let target = state.remote.resolve_alias(alias).await?.ok_or_else(nowhere)?;
    via.extend(target.servers);
    Ok(FoundRoom { room: target.room, via })
}

async fn our_alias(
    state: &WriteEndpoints,
    alias: &RoomAliasId,
) -> Result<Option<OwnedRoomId>, EndpointError> {
    let target = resolve_alias(&state.write_side, alias).await?;
    Ok(target.and_then(|target| RoomId::parse(target.room).ok()))
}
