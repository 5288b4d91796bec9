//! The audit facts that stand in one batch with what they tell of.
//!
//! Owns which of a person's own facts the trail names. What is decided and what is told cannot
//! differ: the one is read from the other.

use facts::{
    Draft, Fact, StreamId, StreamRef,
    fact::{
        AdministrationRecorded, AdministrativeAct, LoginKind, SessionEnd, SessionsEnded, Subject,
    },
};
use ruma::UserId;

use super::{By, accepted_login, address_text, draft, trail_stream};
use crate::{CommandError, WriteSide};

/// What is about to be decided about a person, by whom.
pub(crate) struct Trail<'a> {
    audit: StreamId,
    actor: StreamRef,
    subject: Subject,
    by: &'a By,
}

impl<'a> Trail<'a> {
    /// For the person of `stream`.
    pub(crate) fn about<R>(
        ws: &WriteSide,
        user: &UserId,
        stream: StreamId,
        by: &'a By,
    ) -> Result<Self, CommandError<R>> {
        let subject = Subject { name: user.to_string(), stream };
        Ok(Self { audit: trail_stream(ws)?, actor: by.actor(ws)?, subject, by })
    }

    /// What the trail says of these facts of the person.
    pub(crate) fn drafts(&self, facts: &[Fact]) -> Vec<Draft> {
        let registers = facts.iter().any(|fact| matches!(fact, Fact::AccountCreated(_)));
        let cause = cause_of(facts);
        let told = facts.iter().filter_map(|fact| match fact {
            Fact::AccountCreated(created) => {
                Some(self.act(AdministrativeAct::AccountCreated { admin: created.admin }))
            }
            // The first password and session belong to the account that is made.
            Fact::PasswordSet(_) => (!registers).then(|| self.act(AdministrativeAct::PasswordSet)),
            Fact::SessionOpened(session) => registers.then(|| {
                let (user, kind) = (self.subject.clone(), LoginKind::Registration);
                accepted_login(user, &session.device_id, self.by.address, kind)
            }),
            Fact::AdminChanged(change) => {
                Some(self.act(AdministrativeAct::AdminChanged { admin: change.admin }))
            }
            Fact::AccountDeactivated(end) => {
                Some(self.act(AdministrativeAct::AccountDeactivated { erase: end.erase }))
            }
            Fact::DevicesRemoved(removed) => Some(self.ended(&removed.device_ids, cause)),
            _ => None,
        });
        told.map(|fact| draft(&fact, self.audit, self.actor)).collect()
    }

    fn act(&self, act: AdministrativeAct) -> Fact {
        AdministrationRecorded {
            by: self.by.agent.clone(),
            act,
            subject: Some(self.subject.clone()),
            address: address_text(self.by.address),
            reason: self.by.reason.clone(),
        }
        .into()
    }

    fn ended(&self, devices: &[String], cause: SessionEnd) -> Fact {
        SessionsEnded {
            user: self.subject.clone(),
            devices: devices.to_vec(),
            cause,
            by: self.by.agent.clone(),
            address: address_text(self.by.address),
        }
        .into()
    }
}

fn cause_of(facts: &[Fact]) -> SessionEnd {
    let cause = facts.iter().find_map(|fact| match fact {
        Fact::PasswordSet(_) => Some(SessionEnd::PasswordSet),
        Fact::AccountDeactivated(_) => Some(SessionEnd::AccountDeactivated),
        _ => None,
    });
    cause.unwrap_or(SessionEnd::LoggedOut)
}
