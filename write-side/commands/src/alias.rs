//! Commands on room aliases of this server.

use decide::alias::{self as rules, AliasFold, AliasRefusal};
use facts::{EntryHeader, Fact, Routing, StreamId, StreamRef, fact::StreamKind};
use ruma::{RoomAliasId, RoomId, UserId};

use crate::{
    CommandError, Decision, Fold, FoldKindsBuilder, FoldRow, Unfit, WriteSide, load_blob, save_blob,
};

/// Aliases that stay in memory.
const ALIASES_IN_MEMORY: usize = 10_000;

/// Why an alias was not changed.
pub type AliasError = CommandError<AliasRefusal>;

impl Fold for AliasFold {
    const KIND: StreamKind = StreamKind::Alias;

    fn opened(_stream: StreamId, _name: &str) -> Self {
        Self::default()
    }

    fn evolve(&mut self, header: &EntryHeader, fact: Option<&Fact>) -> Result<(), Unfit> {
        if let Some(fact) = fact {
            Self::evolve(self, header, fact);
        }
        Ok(())
    }

    fn save(&mut self) -> Vec<FoldRow> {
        save_blob(self)
    }

    fn load(_stream: StreamId, _name: &str, rows: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Self, Unfit> {
        load_blob(&rows)
    }
}

/// The kind of fold that aliases need.
pub(crate) fn register_kinds(kinds: FoldKindsBuilder) -> FoldKindsBuilder {
    kinds.with::<AliasFold>(ALIASES_IN_MEMORY)
}

/// Points an alias to a room. `reserved`: another application service reserves the name.
pub async fn set_alias(
    ws: &WriteSide,
    user: &UserId,
    alias: &RoomAliasId,
    room: &RoomId,
    reserved: bool,
) -> Result<(), AliasError> {
    let server_name = ws.identity().server_name.clone();
    // Decided once without a stream, so that a refused name opens none.
    rules::set_alias(&AliasFold::default(), &server_name, alias, room, user, reserved)
        .map_err(CommandError::Refusal)?;
    let actor = ws.ensure_user::<AliasRefusal>(user)?;
    let stream = ws.ensure_stream::<AliasRefusal>(StreamKind::Alias, alias.as_str())?;
    change(ws, stream, actor, |fold| {
        rules::set_alias(fold, &server_name, alias, room, user, reserved)
    })
    .await
}

/// Removes an alias. `privileged`: an administrator, or somebody who may send
/// `m.room.canonical_alias` in the room that it points to.
pub async fn remove_alias(
    ws: &WriteSide,
    user: &UserId,
    alias: &RoomAliasId,
    privileged: bool,
) -> Result<(), AliasError> {
    let stream = ws.core().stream_named(StreamKind::Alias, alias.as_str())?;
    let stream = stream.ok_or(CommandError::Refusal(AliasRefusal::NotFound))?;
    let actor = ws.ensure_user::<AliasRefusal>(user)?;
    change(ws, stream, actor, |fold| rules::remove_alias(fold, user, privileged)).await
}

/// Where an alias points.
pub async fn resolve_alias(
    ws: &WriteSide,
    alias: &RoomAliasId,
) -> Result<Option<rules::AliasTarget>, AliasError> {
    let stream = ws.core().stream_named(StreamKind::Alias, alias.as_str())?;
    let Some(stream) = stream else {
        return Ok(None);
    };
    let guard = ws.actors::<AliasFold>().lock::<AliasRefusal>(stream).await?;
    Ok(guard.fold().target.clone())
}

async fn change(
    ws: &WriteSide,
    stream: StreamId,
    actor: StreamId,
    mut decide: impl FnMut(&AliasFold) -> Result<Fact, AliasRefusal>,
) -> Result<(), AliasError> {
    let routing = Routing { actor: StreamRef::from(actor), ..Routing::server(stream) };
    let decide = |fold: &AliasFold| {
        let draft = decide(fold)?.draft(routing).expect("an alias's fact has no personal part");
        Ok(Decision { drafts: vec![draft], reply: () })
    };
    ws.actors::<AliasFold>().execute(stream, decide).await?;
    Ok(())
}
