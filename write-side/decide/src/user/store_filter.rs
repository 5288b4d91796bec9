//! Storing a filter (client-server API, `POST /user/{userId}/filter`).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use facts::{Fact, fact::FilterStored};
use sha2::{Digest, Sha256};

use super::{UserFold, UserRefusal};

/// A person has at most this many filters.
pub const FILTERS_MAX: usize = 1_000;
/// A filter is at most this many bytes.
const FILTER_BYTES_MAX: usize = 64 * 1024;

/// A filter's id, and what is to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFilter {
    /// Its id; the same filter always has the same one.
    pub filter_id: String,
    /// Nothing where the filter was stored before.
    pub facts: Vec<Fact>,
}

/// Decides a filter given as a JSON object.
pub fn store_filter(fold: &UserFold, filter: &str) -> Result<StoredFilter, UserRefusal> {
    fold.active_account()?;
    if filter.len() > FILTER_BYTES_MAX {
        return Err(UserRefusal::TooLarge("the filter"));
    }
    let filter = serde_json::from_str::<ruma::CanonicalJsonObject>(filter)
        .and_then(|filter| serde_json::to_string(&filter))
        .map_err(|_| UserRefusal::BadJson("the filter"))?;
    let digest = Sha256::digest(filter.as_bytes());
    let filter_id = URL_SAFE_NO_PAD.encode(&digest[..12]);
    if fold.filters.contains_key(&filter_id) {
        return Ok(StoredFilter { filter_id, facts: Vec::new() });
    }
    if fold.filters.len() >= FILTERS_MAX {
        return Err(UserRefusal::LimitReached("filters"));
    }
    let fact = FilterStored { filter_id: filter_id.clone(), filter: filter.into_bytes() };
    Ok(StoredFilter { filter_id, facts: vec![fact.into()] })
}
