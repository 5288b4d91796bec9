//! Who does something to an account or to the server, from where and why.

use std::net::IpAddr;

use facts::{StreamRef, fact::Agent};
use ruma::UserId;

use crate::{FoldStoreFault, WriteSide};

/// Who acts, as the audit trail names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub agent: Agent,
    /// Network address, where it is known.
    pub address: Option<IpAddr>,
    /// Why, at most `decide::governance::REASON_BYTES_MAX` bytes, where it was said.
    pub reason: Option<String>,
}

impl By {
    /// Whoever runs the server.
    pub const fn operator() -> Self {
        Self { agent: Agent::Operator, address: None, reason: None }
    }

    /// Somebody who knows the shared secret for registrations.
    pub const fn shared_secret(address: Option<IpAddr>) -> Self {
        Self { agent: Agent::SharedSecret, address, reason: None }
    }

    /// A person.
    pub fn user(user: &UserId, address: Option<IpAddr>) -> Self {
        Self { agent: Agent::User(user.to_string()), address, reason: None }
    }

    /// The same with a reason.
    #[must_use]
    pub fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    /// The actor of an entry: the person's stream, or the server for everybody else.
    pub(crate) fn actor(&self, ws: &WriteSide) -> Result<StreamRef, FoldStoreFault> {
        let Agent::User(user) = &self.agent else { return Ok(StreamRef::LOG) };
        let Ok(user) = UserId::parse(user.as_str()) else { return Ok(StreamRef::LOG) };
        Ok(ws.user_stream(&user)?.map_or(StreamRef::LOG, StreamRef::from))
    }
}
