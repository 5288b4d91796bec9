//! An entry of the audit trail as JSON.
//!
//! Owns the one form that all of them have: position, recorded time, kind, who acted, from where,
//! about whom, why, and the rest of the fact as `details`. A kind is the fact's name in small
//! letters with underscores. Never decides who may see it.

#[cfg(test)]
mod tests;

use facts::{
    EntryHeader, Fact, RecordClass,
    fact::{Act, Agent, ClaimedUser, LoginOutcome, REGISTRY},
};
use serde::Serialize;
use serde_json::{Value, json};

/// Members of a fact that stand beside its details, not in them.
const BESIDE: [&str; 3] = ["by", "address", "reason"];

/// The kinds of entries, with the numbers of their facts.
pub(super) fn kinds() -> impl Iterator<Item = (u16, String)> {
    let told = REGISTRY.iter().filter(|line| {
        let class = |class| line.parts.iter().all(|part| part.classes == [class]);
        class(RecordClass::Audit) || class(RecordClass::Governance)
    });
    told.map(|line| (line.number, snake(line.name)))
}

/// The kind of a fact, if it belongs to the trail.
pub(super) fn kind_of(fact_type: u16) -> Option<String> {
    kinds().find(|(number, _)| *number == fact_type).map(|(_, kind)| kind)
}

/// The fact of a kind.
pub(super) fn type_of_kind(kind: &str) -> Option<u16> {
    kinds().find(|(_, name)| name == kind).map(|(number, _)| number)
}

fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (i, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && i > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// What a fact tells beside its details.
#[derive(Default)]
struct Told {
    actor: Option<String>,
    address: Option<String>,
    subject: Option<String>,
    reason: Option<String>,
    details: Value,
}

/// An entry; `fact` is `None` where it can no longer be read.
pub(super) fn audit_json(header: &EntryHeader, fact: Option<&Fact>) -> Value {
    let told = fact.and_then(told);
    let readable = told.is_some();
    let told = told.unwrap_or_default();
    json!({
        "position": header.position.0,
        "recorded_at": header.recorded_at.0,
        "kind": kind_of(header.fact_type),
        "actor": told.actor,
        "address": told.address,
        "subject": told.subject,
        "reason": told.reason,
        "details": told.details,
        "destroyed": !readable,
    })
}

/// Whether an entry names `user` anywhere.
pub(super) fn concerns(item: &Value, user: &str) -> bool {
    match item {
        Value::String(text) => text == user,
        Value::Array(items) => items.iter().any(|item| concerns(item, user)),
        Value::Object(members) => members.iter().any(|(name, member)| {
            // A reason is free text, not a name.
            name != "reason" && (name == user || concerns(member, user))
        }),
        _ => false,
    }
}

fn told(fact: &Fact) -> Option<Told> {
    Some(match fact {
        Fact::LoginRecorded(login) => {
            let name = match &login.user {
                ClaimedUser::Known(subject) => &subject.name,
                ClaimedUser::Unknown(name) => name,
            };
            // Whoever fails is not known to be the one who is named.
            let is_known = login.outcome == LoginOutcome::Accepted;
            Told {
                actor: is_known.then(|| name.clone()),
                address: login.address.clone(),
                subject: Some(name.clone()),
                reason: None,
                details: details(login),
            }
        }
        Fact::SessionsEnded(ended) => Told {
            actor: Some(agent(&ended.by)),
            address: ended.address.clone(),
            subject: Some(ended.user.name.clone()),
            reason: None,
            details: details(ended),
        },
        Fact::AdministrationRecorded(done) => Told {
            actor: Some(agent(&done.by)),
            address: done.address.clone(),
            subject: done.subject.as_ref().map(|subject| subject.name.clone()),
            reason: done.reason.clone(),
            details: details(done),
        },
        Fact::ContentAccessed(access) => read(&access.user, access.address.as_ref(), access),
        Fact::ExportStarted(started) => read(&started.user, started.address.as_ref(), started),
        Fact::ExportSealed(sealed) => read(&sealed.user, sealed.address.as_ref(), sealed),
        Fact::StaffRecordRead(access) => read(&access.user, access.address.as_ref(), access),
        of_governance => return governance(of_governance),
    })
}

fn governance(fact: &Fact) -> Option<Told> {
    Some(match fact {
        Fact::RolesBootstrapped(set_up) => Told {
            actor: Some(agent(&Agent::Operator)),
            details: details(set_up),
            ..Told::default()
        },
        Fact::RoleRequested(fact) => act(&fact.by, Some(&fact.grantee), fact),
        Fact::RoleApproved(fact) => act(&fact.by, None, fact),
        Fact::RoleRejected(fact) => act(&fact.by, None, fact),
        Fact::RoleRevoked(fact) => act(&fact.by, Some(&fact.holder), fact),
        Fact::RolesSuspended(fact) => Told {
            actor: Some(agent(&Agent::Operator)),
            subject: Some(fact.holder.clone()),
            details: details(fact),
            ..Told::default()
        },
        Fact::RolesRestored(fact) => act(&fact.by, Some(&fact.holder), fact),
        Fact::CaseOpened(fact) => act(&fact.by, None, fact),
        Fact::CaseApproved(fact) => act(&fact.by, None, fact),
        Fact::CaseRejected(fact) => act(&fact.by, None, fact),
        Fact::CaseClosed(fact) => act(&fact.by, None, fact),
        Fact::PolicyApplied(fact) => act(&fact.by, None, fact),
        Fact::HoldPlaced(fact) => act(&fact.by, None, fact),
        Fact::HoldWidened(fact) => act(&fact.by, None, fact),
        Fact::HoldReleaseRequested(fact) => act(&fact.by, None, fact),
        Fact::HoldReleased(fact) => act(&fact.by, None, fact),
        Fact::HoldReleaseRejected(fact) => act(&fact.by, None, fact),
        Fact::CustodiansNotified(fact) => act(&fact.by, None, fact),
        Fact::ErasureRequested(fact) => act(&fact.by, Some(&fact.user), fact),
        Fact::ErasureEnded(fact) => act_or_server(fact.by.as_ref(), fact),
        Fact::DestructionRunEnded(fact) => act_or_server(fact.by.as_ref(), fact),
        _ => return None,
    })
}

fn act(by: &Act, subject: Option<&String>, fact: &impl Serialize) -> Told {
    Told {
        actor: Some(by.user.clone()),
        address: by.address.clone(),
        subject: subject.cloned(),
        reason: Some(by.reason.clone()),
        details: details(fact),
    }
}

/// What a person did, or the server by itself.
fn act_or_server(by: Option<&Act>, fact: &impl Serialize) -> Told {
    match by {
        Some(by) => act(by, None, fact),
        None => {
            Told { actor: Some("server".to_owned()), details: details(fact), ..Told::default() }
        }
    }
}

fn read(user: &str, address: Option<&String>, fact: &impl Serialize) -> Told {
    Told {
        actor: Some(user.to_owned()),
        address: address.cloned(),
        details: details(fact),
        ..Told::default()
    }
}

/// Who did something: a user id, or a word without `@`.
fn agent(agent: &Agent) -> String {
    match agent {
        Agent::Operator => "operator".to_owned(),
        Agent::SharedSecret => "shared_secret".to_owned(),
        Agent::User(user) => user.clone(),
    }
}

/// The rest of a fact, under the names that it has in the log; digests in hexadecimal.
fn details(fact: &impl Serialize) -> Value {
    let mut details = serde_json::to_value(fact).unwrap_or_default();
    tell_digests(&mut details);
    if let Value::Object(members) = &mut details {
        members.retain(|name, _| !BESIDE.contains(&name.as_str()));
    }
    details
}

/// Gives digests, which a fact has as bytes, the form in which people compare them.
fn tell_digests(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tell_digests),
        Value::Object(members) => {
            for (name, member) in members {
                let bytes = || serde_json::from_value::<[u8; 32]>(member.clone()).ok();
                match name.ends_with("sha256").then(bytes).flatten() {
                    Some(digest) => *member = Value::String(hex::encode(digest)),
                    None => tell_digests(member),
                }
            }
        }
        _ => {}
    }
}
