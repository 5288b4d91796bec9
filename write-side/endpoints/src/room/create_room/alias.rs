//! The alias that a room is created with.
//!
//! Owns finding out that it is free, and its fact for the room's batch. Somebody who takes the
//! alias meanwhile moves its stream, and then the whole batch is refused: no room without its
//! alias, no alias without its room.

use commands::room::BesideRoom;
use decide::alias::{AliasFold, AliasRefusal, set_alias};
use facts::{ExpectedRevision, Revision, Routing, StreamId, fact::StreamKind};
use http_edge::{MatrixError, Session};
use ruma::{OwnedRoomAliasId, RoomAliasId, RoomId, ServerName, UserId};

use crate::{WriteEndpoints, errors::{EndpointError, refused}};

/// An alias that was free a moment ago.
pub(super) struct FreeAlias {
    name: OwnedRoomAliasId,
    stream: StreamId,
    revision: Revision,
    creator: StreamId,
}

/// Looks whether the alias of this local name is free.
pub(super) async fn free_alias(
    state: &WriteEndpoints,
    session: &Session,
    local_name: &str,
) -> Result<FreeAlias, EndpointError> {
    let server_name = state.server_name();
    let malformed = || MatrixError::invalid_param("This name cannot be that of a room alias");
    if local_name.is_empty() || local_name.contains(':') {
        return Err(malformed().into());
    }
    let name = RoomAliasId::parse(format!("#{local_name}:{server_name}"))
        .map_err(|_| malformed())?;
    if state.namespaces.reserves_alias(&name, Some(session)) {
        return Err(refused(&AliasRefusal::Exclusive));
    }
    let write_side = &state.write_side;
    let creator = write_side.ensure_user::<AliasRefusal>(&session.user)?;
    let stream = write_side.ensure_stream::<AliasRefusal>(StreamKind::Alias, name.as_str())?;
    let guard = write_side.actors::<AliasFold>().lock::<AliasRefusal>(stream).await?;
    if guard.fold().target.is_some() {
        let taken = MatrixError::room_in_use("This room alias points to a room already");
        return Err(taken.into());
    }
    Ok(FreeAlias {
        name,
        stream,
        revision: guard.revision(),
        creator,
    })
}

impl FreeAlias {
    pub(super) fn name(&self) -> &RoomAliasId {
        &self.name
    }

    /// What stands beside the room: the alias's fact, and that nobody took it meanwhile.
    pub(super) fn beside(
        &self,
        server_name: &ServerName,
        creator: &UserId,
        room: &RoomId,
    ) -> BesideRoom {
        let fold = AliasFold::default();
        let fact = set_alias(&fold, server_name, &self.name, room, creator, false)
            .expect("the alias is one of this server and free, both of which were checked");
        let routing = Routing {
            actor: self.creator.into(),
            ..Routing::server(self.stream)
        };
        let draft = fact
            .draft(routing)
            .expect("an alias's fact has no personal part");
        BesideRoom {
            drafts: vec![draft],
            expects: vec![(self.stream, ExpectedRevision::Exactly(self.revision))],
        }
    }
}
