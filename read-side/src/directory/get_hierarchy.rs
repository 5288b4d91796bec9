//! `GET /_matrix/client/v1/rooms/{roomId}/hierarchy`.
//!
//! Owns the token, `h<rooms before>_<depth>_<suggested only>`: a client must not change the
//! parameters while it pages.

use axum::{Json, extract::State};
use http_edge::{Matrix, MatrixError};
use projections::Snapshot;
use ruma::api::client::space::get_hierarchy::v1::Request;
use serde_json::{Value, json};

use super::space_tree::{ROOMS_MAX, TreeRoom, TreeWalk};
use crate::{
    caller::Caller, fault::ReadFault, limit::Limit, room_digest::room_digest, state::ReadSide,
};

const PAGE: Limit = Limit { default: 50, max: 100 };
const DEPTH: Limit = Limit { default: 20, max: 50 };

struct Asked {
    room_id: String,
    skip: usize,
    limit: usize,
    depth: usize,
    suggested_only: bool,
}

/// Client-server API, `getSpaceHierarchy`, of rooms that this server is in.
pub(crate) async fn get_hierarchy(
    State(read): State<ReadSide>,
    Matrix { request, identity }: Matrix<Request>,
) -> Result<Json<Value>, MatrixError> {
    identity.refuse_guest()?;
    let caller = Caller::of(&read, &identity);
    let mut asked = Asked {
        room_id: request.room_id.to_string(),
        skip: 0,
        limit: PAGE.of(request.limit).max(1),
        depth: DEPTH.of(request.max_depth),
        suggested_only: request.suggested_only,
    };
    if let Some(from) = &request.from {
        asked.skip = skipped(from, &asked)?;
    }
    Ok(Json(read.ask(move |snapshot| hierarchy(snapshot, &asked, &caller)).await?))
}

fn skipped(from: &str, asked: &Asked) -> Result<usize, MatrixError> {
    let refused = || {
        MatrixError::invalid_param(
            "from is no token of this server, or max_depth or suggested_only changed",
        )
    };
    let (skip, rest) =
        from.strip_prefix('h').and_then(|rest| rest.split_once('_')).ok_or_else(refused)?;
    if rest != parameters(asked) {
        return Err(refused());
    }
    skip.parse().map_err(|_| refused())
}

fn parameters(asked: &Asked) -> String {
    format!("{}_{}", asked.depth, u8::from(asked.suggested_only))
}

fn hierarchy(snapshot: &Snapshot, asked: &Asked, caller: &Caller) -> Result<Value, ReadFault> {
    let closed = || MatrixError::forbidden("You may not see this room, or it does not exist");
    let root = snapshot.room(&asked.room_id)?.ok_or_else(closed)?;
    let digest = room_digest(snapshot, root)?.ok_or_else(closed)?;
    if !digest.is_shown_to(snapshot, caller.user)? {
        return Err(closed().into());
    }
    let walk = TreeWalk {
        snapshot,
        user: caller.user,
        depth_max: asked.depth,
        suggested_only: asked.suggested_only,
    };
    let end = asked.skip.saturating_add(asked.limit);
    // One more than the page tells whether there is another.
    let found = walk.rooms(root, end.saturating_add(1))?;
    let more = found.len() > end && end < ROOMS_MAX;
    let rooms: Vec<Value> =
        found.into_iter().skip(asked.skip).take(asked.limit).map(TreeRoom::into_json).collect();
    let mut answer = json!({ "rooms": rooms });
    if let (true, Some(answer)) = (more, answer.as_object_mut()) {
        let next = format!("h{end}_{}", parameters(asked));
        answer.insert("next_batch".to_owned(), Value::from(next));
    }
    Ok(answer)
}
