//! A room alias of this server.
//!
//! Owns its fold and who may set and remove it. Invariant: I2.

use facts::{
    EntryHeader, Fact,
    fact::{AliasRemoved, AliasSet},
};
use ruma::{RoomAliasId, RoomId, ServerName, UserId};
use serde::{Deserialize, Serialize};

/// Where an alias points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasTarget {
    /// Room id.
    pub room: String,
    /// Who set it.
    pub creator: String,
}

/// State of an alias.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasFold {
    /// Where it points; `None` for nowhere.
    pub target: Option<AliasTarget>,
}

/// Why an alias is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AliasRefusal {
    /// 409 `M_UNKNOWN`: it points to a room.
    #[error("the alias is taken")]
    Taken,
    /// 404 `M_NOT_FOUND`.
    #[error("the alias points nowhere")]
    NotFound,
    /// 400 `M_INVALID_PARAM`: of another server, or too long.
    #[error("the alias is not one of this server")]
    NotOurs,
    /// 403 `M_FORBIDDEN`.
    #[error("not allowed")]
    Forbidden,
    /// 400 `M_EXCLUSIVE`.
    #[error("the alias is reserved by an application service")]
    Exclusive,
}

impl AliasFold {
    /// Applies a fact of the alias's stream.
    pub fn evolve(&mut self, _header: &EntryHeader, fact: &Fact) {
        match fact {
            Fact::AliasSet(set) => {
                self.target =
                    Some(AliasTarget { room: set.room.clone(), creator: set.creator.clone() });
            }
            Fact::AliasRemoved(_) => self.target = None,
            _ => {}
        }
    }
}

/// Decides a new alias. `reserved`: another application service reserves the name.
pub fn set_alias(
    fold: &AliasFold,
    server_name: &ServerName,
    alias: &RoomAliasId,
    room: &RoomId,
    creator: &UserId,
    reserved: bool,
) -> Result<Fact, AliasRefusal> {
    if alias.server_name() != server_name || alias.as_str().len() > 255 {
        return Err(AliasRefusal::NotOurs);
    }
    if reserved {
        return Err(AliasRefusal::Exclusive);
    }
    if fold.target.is_some() {
        return Err(AliasRefusal::Taken);
    }
    Ok(AliasSet { room: room.to_string(), creator: creator.to_string() }.into())
}

/// Decides a removal. Besides whoever set it, `privileged` persons may: administrators, and those
/// who may send `m.room.canonical_alias` in the room.
pub fn remove_alias(
    fold: &AliasFold,
    user: &UserId,
    privileged: bool,
) -> Result<Fact, AliasRefusal> {
    let target = fold.target.as_ref().ok_or(AliasRefusal::NotFound)?;
    if !privileged && target.creator != user.as_str() {
        return Err(AliasRefusal::Forbidden);
    }
    Ok(AliasRemoved {}.into())
}
