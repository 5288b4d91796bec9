//! Erasures of persons that are under way.
//!
//! Owns the part of the fold about them, and who may ask for one and take it back. What an erasure
//! reaches, and what it waits for, is `decide::policy`'s. Invariants: I2, I10.

use std::collections::BTreeMap;

use facts::{
    EntryHeader, Fact, LogPosition, Timestamp,
    fact::{Act, ErasureEnd, ErasureEnded, ErasureRequested, Role},
};
use serde::{Deserialize, Serialize};

use super::{GovernanceFold, GovernanceRefusal, check_reason};
use crate::policy;

/// So many erasures are under way at a time.
pub const ERASURES_MAX: usize = 100_000;

/// An erasure under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureUnderWay {
    /// Whose records.
    pub user: String,
    /// When it was asked for: what was recorded until then is reached.
    pub requested_at: Timestamp,
    /// Who asked.
    pub requester: String,
}

/// All erasures under way, by the positions of their requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureBook(BTreeMap<LogPosition, ErasureUnderWay>);

/// Why nothing is changed about an erasure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErasureRefusal {
    /// What every act of governance can be refused for.
    #[error(transparent)]
    Governance(#[from] GovernanceRefusal),
    /// 403: it takes a data-protection officer.
    #[error("only data-protection officers may do this")]
    NotDataProtection,
    /// 404: no such erasure is under way.
    #[error("there is no such erasure under way")]
    UnknownErasure,
    /// 409: there are as many as there can be.
    #[error("too many erasures are under way")]
    TooMany,
}

impl ErasureBook {
    /// Every erasure under way, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (LogPosition, &ErasureUnderWay)> {
        self.0.iter().map(|(at, erasure)| (*at, erasure))
    }

    /// The index that hiding and destroying ask.
    pub fn index(&self) -> policy::Erasures {
        policy::Erasures::new(self.iter().map(|(request, erasure)| {
            let at = erasure.requested_at;
            (erasure.user.clone(), policy::Erasure { request, at })
        }))
    }

    pub(super) fn evolve(&mut self, header: &EntryHeader, fact: &Fact) {
        match fact {
            Fact::ErasureRequested(requested) => {
                let erasure = ErasureUnderWay {
                    user: requested.user.clone(),
                    requested_at: header.recorded_at,
                    requester: requested.by.user.clone(),
                };
                self.0.insert(header.position, erasure);
            }
            Fact::ErasureEnded(ended) => {
                self.0.remove(&ended.request);
            }
            _ => {}
        }
    }
}

/// Asks for the erasure of a person who is known here.
pub fn request_erasure(
    fold: &GovernanceFold,
    user: &str,
    by: Act,
) -> Result<Vec<Fact>, ErasureRefusal> {
    require_data_protection(fold, &by.user)?;
    check_reason(&by.reason)?;
    if fold.erasures.0.len() >= ERASURES_MAX {
        return Err(ErasureRefusal::TooMany);
    }
    Ok(vec![ErasureRequested { user: user.to_owned(), by }.into()])
}

/// Takes an erasure back; what was destroyed meanwhile stays destroyed.
pub fn withdraw_erasure(
    fold: &GovernanceFold,
    request: LogPosition,
    by: Act,
) -> Result<Vec<Fact>, ErasureRefusal> {
    require_data_protection(fold, &by.user)?;
    check_reason(&by.reason)?;
    if !fold.erasures.0.contains_key(&request) {
        return Err(ErasureRefusal::UnknownErasure);
    }
    Ok(vec![ErasureEnded { request, end: ErasureEnd::Withdrawn, by: Some(by) }.into()])
}

/// The server says that an erasure was executed: nothing that it reaches is left. `None` where it
/// is not under way any more.
pub fn executed(
    fold: &GovernanceFold,
    request: LogPosition,
    last_order: Option<LogPosition>,
    backups_gone_at: Option<Timestamp>,
) -> Option<Fact> {
    fold.erasures.0.get(&request)?;
    let end = ErasureEnd::Executed { last_order, backups_gone_at };
    Some(ErasureEnded { request, end, by: None }.into())
}

/// Refuses everybody but data-protection officers.
pub fn require_data_protection(fold: &GovernanceFold, user: &str) -> Result<(), ErasureRefusal> {
    if fold.roles.holds(user, Role::DataProtectionOfficer) {
        Ok(())
    } else {
        Err(ErasureRefusal::NotDataProtection)
    }
}
