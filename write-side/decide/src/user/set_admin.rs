//! Giving or taking server administration.

use facts::fact::AdminChanged;

use super::{Decision, UserFold};

/// Decides the change; none where it is so already.
pub fn set_admin(fold: &UserFold, admin: bool) -> Decision {
    if fold.active_account()?.admin == admin {
        return Ok(Vec::new());
    }
    Ok(vec![AdminChanged { admin }.into()])
}
