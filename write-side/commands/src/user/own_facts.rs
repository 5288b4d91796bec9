//! The common road of commands on one person: decide on the fold, append to the own stream.

use decide::user::{AccountDataKey, UserFold, UserRefusal};
use facts::{Draft, Fact, LogPosition, Routing, StreamId};
use ruma::UserId;

use super::{PersonFold, UserError};
use crate::{
    Decision, Done, ViewWait, WriteSide,
    audit::{By, Trail},
};

/// A fact read from the log whose place moved is looked at again at most this often.
const READ_TRIES_MAX: usize = 16;

/// The stream of a person who is known here.
pub(super) fn stream_of(ws: &WriteSide, user: &UserId) -> Result<StreamId, UserError> {
    ws.user_stream(user)?.ok_or(UserError::Refusal(UserRefusal::UnknownUser))
}

/// Drafts of facts of a person's own stream, by that person.
pub(super) fn own_drafts(stream: StreamId, facts: &[Fact]) -> Vec<Draft> {
    let draft = |fact: &Fact| {
        fact.draft(Routing::own(stream)).expect("the routing of an own fact names the person")
    };
    facts.iter().map(draft).collect()
}

/// Decides and appends; the answer comes from the decision.
pub(super) async fn own_with<T>(
    ws: &WriteSide,
    user: &UserId,
    wait: ViewWait,
    decide: impl FnMut(&UserFold) -> Result<(Vec<Fact>, T), UserRefusal>,
) -> Result<Done<T>, UserError> {
    own_and(ws, user, wait, |_, _| Vec::new(), decide).await
}

/// The same with what `also` says of the decision, in the same batch.
pub(super) async fn own_and<T>(
    ws: &WriteSide,
    user: &UserId,
    wait: ViewWait,
    also: impl Fn(&[Fact], StreamId) -> Vec<Draft>,
    mut decide: impl FnMut(&UserFold) -> Result<(Vec<Fact>, T), UserRefusal>,
) -> Result<Done<T>, UserError> {
    let stream = stream_of(ws, user)?;
    ws.actors::<PersonFold>()
        .execute_and_wait(stream, wait, |person| {
            let (facts, reply) = decide(person.user())?;
            let mut drafts = own_drafts(stream, &facts);
            drafts.extend(also(&facts, stream));
            Ok(Decision { drafts, reply })
        })
        .await
}

/// Decides and appends.
pub(super) async fn own(
    ws: &WriteSide,
    user: &UserId,
    mut decide: impl FnMut(&UserFold) -> Result<Vec<Fact>, UserRefusal>,
) -> Result<(), UserError> {
    own_with(ws, user, ViewWait::Bounded, |fold| Ok((decide(fold)?, ()))).await?;
    Ok(())
}

/// The same for what takes rights away: answers only once the sessions view has passed it, and
/// tells the audit trail who did it.
pub(super) async fn own_revoking(
    ws: &WriteSide,
    user: &UserId,
    by: &By,
    mut decide: impl FnMut(&UserFold) -> Result<Vec<Fact>, UserRefusal>,
) -> Result<(), UserError> {
    let trail = Trail::about(ws, user, stream_of(ws, user)?, by)?;
    let also = |facts: &[Fact], _| trail.drafts(facts);
    own_and(ws, user, ViewWait::Full, also, |fold| Ok((decide(fold)?, ()))).await?;
    Ok(())
}

/// Reads something of a person's fold, without changing it.
pub async fn look<T>(
    ws: &WriteSide,
    user: &UserId,
    read: impl FnOnce(&UserFold) -> T,
) -> Result<T, UserError> {
    let stream = stream_of(ws, user)?;
    let guard = ws.actors::<PersonFold>().lock(stream).await?;
    Ok(read(guard.fold().user()))
}

/// Decides on the fold and the content of a fact that it points to. The content is read without
/// the lock; if the pointer moved meanwhile it is read again.
pub(super) async fn own_with_content(
    ws: &WriteSide,
    user: &UserId,
    pointer: impl Fn(&UserFold) -> Option<LogPosition>,
    decide: impl Fn(&UserFold, Option<&str>) -> Result<Vec<Fact>, UserRefusal>,
) -> Result<(), UserError> {
    for _ in 0..READ_TRIES_MAX {
        let at = look(ws, user, &pointer).await?;
        let content = match at {
            Some(at) => account_data_content(ws, at).await?,
            None => None,
        };
        let done = own_with(ws, user, ViewWait::Bounded, |fold| {
            if pointer(fold) != at {
                return Ok((Vec::new(), false));
            }
            Ok((decide(fold, content.as_deref())?, true))
        });
        if done.await?.reply {
            return Ok(());
        }
    }
    Err(UserError::busy())
}

/// Content of a person's account data (a JSON object); `None` where nothing is set.
pub async fn account_data_of(
    ws: &WriteSide,
    user: &UserId,
    key: &AccountDataKey,
) -> Result<Option<String>, UserError> {
    match look(ws, user, |fold| fold.account_data.get(key).copied()).await? {
        Some(at) => account_data_content(ws, at).await,
        None => Ok(None),
    }
}

async fn account_data_content(
    ws: &WriteSide,
    at: LogPosition,
) -> Result<Option<String>, UserError> {
    let fact = ws.read_fact(at).await?;
    Ok(match fact {
        Some(Fact::AccountDataSet(data)) => {
            data.content.and_then(|content| String::from_utf8(content).ok())
        }
        _ => None,
    })
}
