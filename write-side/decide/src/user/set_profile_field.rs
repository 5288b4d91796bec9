//! Setting or removing a profile field (client-server API, "Profiles", since 1.16 any field).

use facts::fact::ProfileFieldSet;
use serde_json::Value;

use super::{
    Decision, PROFILE_BYTES_MAX, PROFILE_FIELD_BYTES_MAX, UserFold, UserRefusal,
    profile::{AVATAR_URL_BYTES_MAX, DISPLAY_NAME_CHARS_MAX},
};

/// Decides a field's value; `None` and JSON null remove it. The same value changes nothing.
pub fn set_profile_field(fold: &UserFold, field: &str, value: Option<&Value>) -> Decision {
    fold.active_account()?;
    check_name(field)?;
    let value = value.filter(|value| !value.is_null());
    if let Some(value) = value {
        check_value(field, value)?;
    }
    let json = value.map(canonical).transpose()?;
    if fold.profile.get(field).map(|old| &old.json) == json.as_ref() {
        return Ok(Vec::new());
    }
    if let Some(json) = &json
        && size_with(fold, field, json) > PROFILE_BYTES_MAX
    {
        return Err(UserRefusal::ProfileTooLarge);
    }
    Ok(vec![
        ProfileFieldSet { field: field.to_owned(), value: json.map(String::into_bytes) }.into(),
    ])
}

fn check_name(field: &str) -> Result<(), UserRefusal> {
    if field.len() > PROFILE_FIELD_BYTES_MAX {
        return Err(UserRefusal::ProfileFieldNameTooLarge);
    }
    // Appendices, "Common Namespaced Identifier Grammar".
    let starts_well = field.starts_with(|c: char| c.is_ascii_lowercase());
    let allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if !starts_well || !field.chars().all(allowed) {
        return Err(UserRefusal::InvalidParam("the name of the profile field"));
    }
    Ok(())
}

pub(super) fn check_value(field: &str, value: &Value) -> Result<(), UserRefusal> {
    match (field, value) {
        ("displayname", Value::String(name)) if name.chars().count() > DISPLAY_NAME_CHARS_MAX => {
            Err(UserRefusal::InvalidParam("the display name"))
        }
        ("avatar_url", Value::String(url)) if url.len() > AVATAR_URL_BYTES_MAX => {
            Err(UserRefusal::InvalidParam("the avatar URL"))
        }
        ("displayname" | "avatar_url" | "m.tz", Value::String(_)) => Ok(()),
        ("displayname" | "avatar_url" | "m.tz", _) => Err(UserRefusal::InvalidParam("the value")),
        _ => Ok(()),
    }
}

fn canonical(value: &Value) -> Result<String, UserRefusal> {
    ruma::CanonicalJsonValue::try_from(value.clone())
        .map(|value| value.to_string())
        .map_err(|_| UserRefusal::BadJson("the value"))
}

/// Bytes of the whole profile as canonical JSON, were the field set.
fn size_with(fold: &UserFold, field: &str, json: &str) -> usize {
    let member = |name: &str, json: &str| name.len() + json.len() + 4;
    let others = fold.profile.iter().filter(|(name, _)| *name != field);
    let others: usize = others.map(|(name, value)| member(name, &value.json)).sum();
    1 + others + member(field, json)
}
