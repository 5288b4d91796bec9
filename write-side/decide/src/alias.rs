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

/// Decides that an alias goes along when its room is replaced; whoever set it stays its creator.
/// No facts where it points elsewhere meanwhile.
pub fn move_alias(fold: &AliasFold, from: &RoomId, to: &RoomId) -> Vec<Fact> {
    match &fold.target {
        Some(target) if target.room == from.as_str() => {
            let set = AliasSet { room: to.to_string(), creator: target.creator.clone() };
            vec![AliasRemoved {}.into(), set.into()]
        }
        _ => Vec::new(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use ruma::{room_alias_id, room_id, server_name, user_id};

    const ALICE: &str = "@alice:example.org";

    fn fold(room: &str) -> AliasFold {
        let target = AliasTarget { room: room.to_owned(), creator: ALICE.to_owned() };
        AliasFold { target: Some(target) }
    }

    #[test]
    fn an_alias_is_set_once_by_this_server_alone() {
        let set = |fold: &AliasFold, alias, reserved| {
            let room = room_id!("!hall:example.org");
            set_alias(fold, server_name!("example.org"), alias, room, user_id!("@a:b"), reserved)
        };
        let (ours, theirs) = (room_alias_id!("#hall:example.org"), room_alias_id!("#hall:b"));
        let free = AliasFold::default();
        assert!(matches!(set(&free, ours, false), Ok(Fact::AliasSet(_))));
        assert_eq!(set(&free, ours, true), Err(AliasRefusal::Exclusive));
        assert_eq!(set(&free, theirs, false), Err(AliasRefusal::NotOurs));
        assert_eq!(set(&fold("!x:y"), ours, false), Err(AliasRefusal::Taken));
    }

    #[test]
    fn an_alias_is_removed_by_its_creator_or_the_privileged() {
        let (alice, bob) = (user_id!("@alice:example.org"), user_id!("@bob:example.org"));
        let removed = Ok(Fact::from(AliasRemoved {}));
        assert_eq!(remove_alias(&fold("!x:y"), alice, false), removed);
        assert_eq!(remove_alias(&fold("!x:y"), bob, true), removed);
        assert_eq!(remove_alias(&fold("!x:y"), bob, false), Err(AliasRefusal::Forbidden));
        let nowhere = AliasFold::default();
        assert_eq!(remove_alias(&nowhere, alice, true), Err(AliasRefusal::NotFound));
    }

    #[test]
    fn an_alias_moves_only_from_the_room_that_it_points_to() {
        let (old, new) = (room_id!("!old:example.org"), room_id!("!new"));
        let set = AliasSet { room: new.to_string(), creator: ALICE.to_owned() };
        let moved = move_alias(&fold(old.as_str()), old, new);
        assert_eq!(moved, [AliasRemoved {}.into(), set.into()]);
        assert_eq!(move_alias(&fold("!other:example.org"), old, new), []);
        assert_eq!(move_alias(&AliasFold::default(), old, new), []);
    }
}
