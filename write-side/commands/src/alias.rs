//! Commands on room aliases of this server.

use decide::alias::{self as rules, AliasFold, AliasRefusal};
use facts::{EntryHeader, Fact, Routing, StreamId, StreamRef, fact::StreamKind};
use ruma::{
    OwnedRoomAliasId, RoomAliasId, RoomId, UserId,
    events::{TimelineEventType, room::member::MembershipState},
};

use crate::{
    CommandError, Decision, FoldKindsBuilder, SmallFold, WriteSide,
    room::{RoomError, canonical_alias::forget_aliases, powers::Powers},
};

/// Aliases that stay in memory.
const ALIASES_IN_MEMORY: usize = 10_000;
/// Aliases that go along when a room is replaced, at most; the others stay with the old one.
pub const ALIASES_MOVED_MAX: usize = 1_000;

/// Why an alias was not changed.
pub type AliasError = CommandError<AliasRefusal>;

impl SmallFold for AliasFold {
    const KIND: StreamKind = StreamKind::Alias;

    fn apply(&mut self, header: &EntryHeader, fact: &Fact) {
        self.evolve(header, fact);
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
        Ok(vec![rules::set_alias(fold, &server_name, alias, room, user, reserved)?])
    })
    .await?;
    Ok(())
}

/// Removes an alias: its creator may, a member of the room that it points to who may send
/// `m.room.canonical_alias` there, and a server administrator. That event forgets the alias where
/// the user may change it; the alias is gone in any case.
pub async fn remove_alias(
    ws: &WriteSide,
    user: &UserId,
    alias: &RoomAliasId,
    is_server_admin: bool,
) -> Result<(), AliasError> {
    let not_found = CommandError::Refusal(AliasRefusal::NotFound);
    let stream = ws.core().stream_named(StreamKind::Alias, alias.as_str())?;
    let Some(stream) = stream else { return Err(not_found) };
    let target = resolve_alias(ws, alias).await?.ok_or(not_found)?;
    let room = RoomId::parse(&target.room).ok();
    let may_in_room = match &room {
        Some(room) => may_set_canonical(ws, room, user).await?,
        None => false,
    };
    let actor = ws.ensure_user::<AliasRefusal>(user)?;
    change(ws, stream, actor, |fold| {
        // The power is that in the room which was asked; the alias may point elsewhere by now.
        let same = fold.target.as_ref().is_some_and(|now| now.room == target.room);
        let privileged = is_server_admin || (same && may_in_room);
        Ok(vec![rules::remove_alias(fold, user, privileged)?])
    })
    .await?;
    if let Some(room) = room {
        let forgotten = forget_aliases(ws, &room, &user.to_owned(), &[alias.to_owned()]).await;
        if let Err(error) = forgotten {
            tracing::info!(?error, %room, "a room still names an alias that was removed");
        }
    }
    Ok(())
}

async fn may_set_canonical(
    ws: &WriteSide,
    room: &RoomId,
    user: &UserId,
) -> Result<bool, AliasError> {
    let asked = async {
        let fold = ws.room(room).await?;
        if fold.membership(user) != MembershipState::Join {
            return Ok(false);
        }
        let powers = Powers::load(ws, &fold).await?;
        Ok(powers.may_send_state(user, &TimelineEventType::RoomCanonicalAlias))
    };
    match asked.await {
        Ok(may) => Ok(may),
        // A room that is not ours has no members of ours either.
        Err(RoomError::Refusal(_)) => Ok(false),
        Err(error) => Err(error.map_refusal(|_| AliasRefusal::Forbidden)),
    }
}

/// Lets aliases go along when a room is replaced; gives those that pointed to `from` and point to
/// `to` now. One that cannot be moved stays.
pub(crate) async fn move_aliases(
    ws: &WriteSide,
    user: &UserId,
    from: &RoomId,
    to: &RoomId,
    aliases: &[OwnedRoomAliasId],
) -> Vec<OwnedRoomAliasId> {
    let mut moved = Vec::new();
    for alias in aliases.iter().take(ALIASES_MOVED_MAX) {
        match move_alias(ws, user, from, to, alias).await {
            Ok(true) => moved.push(alias.clone()),
            Ok(false) => {}
            Err(error) => tracing::info!(?error, "an alias stays with a room that was replaced"),
        }
    }
    moved
}

async fn move_alias(
    ws: &WriteSide,
    user: &UserId,
    from: &RoomId,
    to: &RoomId,
    alias: &RoomAliasId,
) -> Result<bool, AliasError> {
    let stream = ws.core().stream_named(StreamKind::Alias, alias.as_str())?;
    let Some(stream) = stream else { return Ok(false) };
    let actor = ws.ensure_user::<AliasRefusal>(user)?;
    change(ws, stream, actor, |fold| Ok(rules::move_alias(fold, from, to))).await
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

/// Appends what is decided; false where that is nothing.
async fn change(
    ws: &WriteSide,
    stream: StreamId,
    actor: StreamId,
    mut decide: impl FnMut(&AliasFold) -> Result<Vec<Fact>, AliasRefusal>,
) -> Result<bool, AliasError> {
    let routing = Routing { actor: StreamRef::from(actor), ..Routing::server(stream) };
    let decide = |fold: &AliasFold| {
        let draft = |fact: Fact| fact.draft(routing).expect("an alias's fact has no personal part");
        let drafts: Vec<_> = decide(fold)?.into_iter().map(draft).collect();
        Ok(Decision { reply: !drafts.is_empty(), drafts })
    };
    let done = ws.actors::<AliasFold>().execute(stream, decide).await?;
    Ok(done.reply)
}
