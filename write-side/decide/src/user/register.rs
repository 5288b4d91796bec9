//! Registering an account (client-server API, `POST /register`).

use facts::{
    Fact,
    fact::{AccountCreated, AccountKind, PasswordSet, ProfileFieldSet},
};
use ruma::UserId;

use super::{
    Decision, LogIn, UserFold, UserRefusal, log_in::session_facts, set_profile_field::check_value,
};

/// An account to create.
#[derive(Clone, Debug)]
pub struct Register {
    /// Who may use it.
    pub kind: AccountKind,
    /// True for a server administrator.
    pub admin: bool,
    /// PHC string; `None` for an account without a password.
    pub password_hash: Option<String>,
    /// First display name.
    pub display_name: Option<String>,
    /// A first login, unless `inhibit_login`.
    pub log_in: Option<LogIn>,
    /// The name lies in a namespace that another application service reserves.
    pub reserved: bool,
}

/// Whether a new account may have this user id.
///
/// New accounts follow the strict grammar; historical ids only ever come from elsewhere.
pub fn check_username(user_id: &UserId, reserved: bool) -> Result<(), UserRefusal> {
    if user_id.localpart().is_empty() || user_id.validate_strict().is_err() {
        return Err(UserRefusal::InvalidUsername);
    }
    if reserved {
        return Err(UserRefusal::Exclusive);
    }
    Ok(())
}

/// Decides a registration. A name is never given twice, also not after a deactivation or an erasure.
pub fn register(fold: &UserFold, user_id: &UserId, command: &Register) -> Decision {
    check_username(user_id, command.reserved)?;
    if fold.is_given() {
        return Err(UserRefusal::UserInUse);
    }
    let mut facts = vec![Fact::from(AccountCreated { kind: command.kind, admin: command.admin })];
    if let Some(hash) = &command.password_hash {
        facts.push(PasswordSet { hash: hash.clone() }.into());
    }
    if let Some(name) = &command.display_name {
        let value = serde_json::Value::from(name.as_str());
        check_value("displayname", &value)?;
        facts.push(
            ProfileFieldSet {
                field: "displayname".to_owned(),
                value: Some(value.to_string().into_bytes()),
            }
            .into(),
        );
    }
    if let Some(log_in) = &command.log_in {
        facts.extend(session_facts(fold, log_in)?);
    }
    Ok(facts)
}
