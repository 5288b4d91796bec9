//! The public directory of this server, in pages.
//!
//! Owns the order (fullest rooms first), the filter and the tokens `o<number of rooms before>`.
//! Bounded: one answer looks at [`ROOMS_MAX`] published rooms.

use http_edge::MatrixError;
use projections::{Snapshot, query::StoreError};
use ruma::{
    OwnedServerName, UInt,
    directory::{Filter, RoomTypeFilter},
};
use serde_json::{Value, json};

use crate::{
    fault::ReadFault,
    limit::Limit,
    room_digest::{RoomDigest, room_digest},
    state::ReadSide,
};

/// Published rooms looked at for one answer.
const ROOMS_MAX: usize = 10_000;
const PAGE: Limit = Limit { default: 100, max: 500 };

/// What a client asks of the directory.
pub(super) struct Listing {
    pub(super) limit: Option<UInt>,
    pub(super) since: Option<String>,
    pub(super) server: Option<OwnedServerName>,
    pub(super) filter: Filter,
}

/// One page of the directory.
pub(super) async fn public_list(read: &ReadSide, listing: Listing) -> Result<Value, MatrixError> {
    if listing.server.as_ref().is_some_and(|server| *server != read.settings().server_name) {
        return Err(MatrixError::not_found("The directory of that server is not available here"));
    }
    let skip = skipped(listing.since.as_deref())?;
    let limit = PAGE.of(listing.limit).max(1);
    Ok(read.ask(move |snapshot| page(snapshot, &listing.filter, skip, limit)).await?)
}

fn skipped(since: Option<&str>) -> Result<usize, MatrixError> {
    let Some(since) = since.filter(|since| !since.is_empty()) else { return Ok(0) };
    since
        .strip_prefix('o')
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| MatrixError::invalid_param("since is no token of this directory"))
}

fn page(
    snapshot: &Snapshot,
    filter: &Filter,
    skip: usize,
    limit: usize,
) -> Result<Value, ReadFault> {
    let rooms = matching(snapshot, filter)?;
    let total = rooms.len();
    let chunk: Vec<_> =
        rooms.iter().skip(skip).take(limit).map(RoomDigest::directory_json).collect();
    let reached = skip.saturating_add(chunk.len());
    let mut answer = json!({ "chunk": chunk, "total_room_count_estimate": total });
    if let Some(answer) = answer.as_object_mut() {
        if reached < total {
            answer.insert("next_batch".to_owned(), Value::from(format!("o{reached}")));
        }
        if skip > 0 {
            let before = format!("o{}", skip.saturating_sub(limit));
            answer.insert("prev_batch".to_owned(), Value::from(before));
        }
    }
    Ok(answer)
}

fn matching(snapshot: &Snapshot, filter: &Filter) -> Result<Vec<RoomDigest>, StoreError> {
    let term = filter.generic_search_term.as_ref().map(|term| term.to_lowercase());
    let mut found = Vec::new();
    for (room, _) in snapshot.published_rooms()?.into_iter().take(ROOMS_MAX) {
        let Some(digest) = room_digest(snapshot, room)? else { continue };
        if has_type(&digest, &filter.room_types)
            && term.as_ref().is_none_or(|term| has_term(&digest, term))
        {
            found.push(digest);
        }
    }
    Ok(found)
}

fn has_type(digest: &RoomDigest, wanted: &[RoomTypeFilter]) -> bool {
    wanted.is_empty() || wanted.iter().any(|of| of.as_str() == digest.room_type.as_deref())
}

fn has_term(digest: &RoomDigest, term: &str) -> bool {
    [&digest.name, &digest.topic, &digest.canonical_alias]
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(term))
}
