//! `POST /_matrix/client/v3/user_directory/search`.
//!
//! Owns the choice of who is found: users who share a room with the caller, and members of rooms
//! in the public directory. Bounded: at most [`CANDIDATES_MAX`] users are looked at, those of the
//! caller's rooms first.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use facts::{LogPosition, StreamId};
use http_edge::{Matrix, MatrixError};
use projections::{
    Snapshot,
    query::{Membership, StoreError},
};
use ruma::api::client::user_directory::search_users::v3::Request;
use serde_json::{Map, Value, json};

use crate::{caller::Caller, limit::Limit, state::ReadSide};

/// Users looked at for one answer.
const CANDIDATES_MAX: usize = 10_000;
const RESULTS: Limit = Limit { default: 10, max: 100 };

/// Client-server API, `searchUserDirectory`.
pub(crate) async fn search_users(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let caller = Caller::of(&read, &identity);
    let limit = RESULTS.of(Some(request.limit));
    let answer = read
        .ask(move |snapshot| Ok(search(snapshot, &caller, &request.search_term, limit)?))
        .await?;
    Ok(Json(answer))
}

fn search(
    snapshot: &Snapshot,
    caller: &Caller,
    term: &str,
    limit: usize,
) -> Result<Value, StoreError> {
    let term = term.trim().to_lowercase();
    let mut found = Vec::new();
    if !term.is_empty() {
        for (user, event) in candidates(snapshot, caller)? {
            if user == caller.user {
                continue;
            }
            found.extend(matching(snapshot, user, event, &term)?);
        }
    }
    // Exact beginnings first, then by id, so that an answer is the same every time.
    found.sort_by(|a: &Hit, b: &Hit| (a.rank, &a.user_id).cmp(&(b.rank, &b.user_id)));
    let limited = found.len() > limit;
    found.truncate(limit);
    let results: Vec<_> = found.into_iter().map(Hit::into_json).collect();
    Ok(json!({ "limited": limited, "results": results }))
}

struct Hit {
    rank: u8,
    user_id: String,
    display_name: Option<String>,
    avatar_url: Option<String>,
}

impl Hit {
    fn into_json(self) -> Value {
        let mut json = Map::new();
        json.insert("user_id".to_owned(), Value::from(self.user_id));
        for (key, value) in [("display_name", self.display_name), ("avatar_url", self.avatar_url)] {
            if let Some(value) = value {
                json.insert(key.to_owned(), Value::from(value));
            }
        }
        Value::Object(json)
    }
}

/// Users who may be found, each with one of their member events.
fn candidates(
    snapshot: &Snapshot,
    caller: &Caller,
) -> Result<BTreeMap<StreamId, LogPosition>, StoreError> {
    let mut rooms = snapshot.joined_rooms(caller.user)?;
    rooms.extend(snapshot.published_rooms()?.into_iter().map(|(room, _)| room));
    let mut users = BTreeMap::new();
    for room in rooms {
        let left = CANDIDATES_MAX.saturating_sub(users.len());
        if left == 0 {
            break;
        }
        for member in snapshot.members(room, Membership::Join, left)? {
            users.entry(member.user).or_insert(member.event);
        }
    }
    Ok(users)
}

fn matching(
    snapshot: &Snapshot,
    user: StreamId,
    event: LogPosition,
    term: &str,
) -> Result<Option<Hit>, StoreError> {
    let Some(user_id) = snapshot.name(user)? else { return Ok(None) };
    let account = snapshot.account(user)?;
    if account.as_ref().is_some_and(|account| account.deactivated) {
        return Ok(None);
    }
    let field = |field: &str, in_event: &str| -> Result<Option<String>, StoreError> {
        if account.is_some() {
            let json = snapshot.profile_field(user, field)?;
            return Ok(json.and_then(|json| serde_json::from_slice(&json).ok()));
        }
        // Users of other servers: as they show themselves in rooms.
        let event = snapshot.event_at(event)?;
        Ok(event.and_then(|event| Some(event.content()?.get(in_event)?.as_str()?.to_owned())))
    };
    let display_name = field("displayname", "displayname")?;
    let name = display_name.as_deref().unwrap_or_default().to_lowercase();
    let id = user_id.to_lowercase();
    let bare = id.trim_start_matches('@');
    let begins = name.starts_with(term) || id.starts_with(term) || bare.starts_with(term);
    if !begins && !name.contains(term) && !id.contains(term) {
        return Ok(None);
    }
    Ok(Some(Hit {
        rank: u8::from(!begins),
        avatar_url: field("avatar_url", "avatar_url")?,
        display_name,
        user_id,
    }))
}
