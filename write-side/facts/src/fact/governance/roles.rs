//! Facts about roles.
//!
//! Owns the seven facts by which roles are given, taken, suspended and restored. A request is named by its position.

use serde::{Deserialize, Serialize};

use super::{Act, Role};
use crate::{LogPosition, fact::one_part_fact};

/// The first set-up: the operator names the first compliance officers. The only grant that no
/// second person approves; it happens once in the life of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolesBootstrapped {
    /// User ids of the compliance officers.
    pub officers: Vec<String>,
}
one_part_fact!(RolesBootstrapped = 144, Governance, personal: false);

/// An officer asks that somebody else be given a role. Its position names the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRequested {
    /// The role.
    pub role: Role,
    /// User id of the person who shall hold it.
    pub grantee: String,
    /// Who asks, and why.
    pub by: Act,
}
one_part_fact!(RoleRequested = 145, Governance, personal: false);

/// A second officer approves: the grantee holds the role from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleApproved {
    /// Position of the request.
    pub request: LogPosition,
    /// Who approves, and why.
    pub by: Act,
}
one_part_fact!(RoleApproved = 146, Governance, personal: false);

/// The request is over: refused by another officer, or withdrawn by whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRejected {
    /// Position of the request.
    pub request: LogPosition,
    /// Who ends it, and why.
    pub by: Act,
}
one_part_fact!(RoleRejected = 147, Governance, personal: false);

/// A role is taken away, or given up by its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRevoked {
    /// The role.
    pub role: Role,
    /// User id of the person who held it.
    pub holder: String,
    /// Who takes it, and why.
    pub by: Act,
}
one_part_fact!(RoleRevoked = 148, Governance, personal: false);

/// The operator set the holder's credentials: whoever signs in with them may be somebody else, so
/// the holder's roles count for nothing until another officer vouches for the holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolesSuspended {
    /// User id of the holder.
    pub holder: String,
}
one_part_fact!(RolesSuspended = 149, Governance, personal: false);

/// Another officer vouches for the holder: the roles count again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolesRestored {
    /// User id of the holder.
    pub holder: String,
    /// Who vouches, and why.
    pub by: Act,
}
one_part_fact!(RolesRestored = 150, Governance, personal: false);
