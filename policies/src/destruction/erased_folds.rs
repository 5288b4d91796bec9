//! Folds of persons who are erased.
//!
//! Owns finding the entries of their streams, by headers alone, so that the folds can be made anew
//! from what is left of them: a fold holds what a person chose (types of account data, ids of
//! keys) beside what it replaced. Invariant: I7 (the fold is what a replay gives).

use std::{collections::BTreeMap, sync::Arc};

use commands::governance::governance;
use decide::governance::GovernanceRefusal;
use facts::{LogPosition, StreamId};
use ruma::UserId;

use super::{Destroyer, RunFault};

/// Headers read at once.
const HEADERS_AT_ONCE: usize = 2_000;

impl Destroyer {
    /// Makes the folds of everybody anew whose erasure is under way.
    pub(super) async fn refold_erased(&self) -> Result<(), RunFault> {
        let users: Vec<String> = governance(&self.write_side, |fold| {
            fold.erasures.iter().map(|(_, erasure)| erasure.user.clone()).collect()
        })
        .await
        .map_err(|error| RunFault::of_command::<GovernanceRefusal>(&error))?;
        let mut own = BTreeMap::new();
        for user in users {
            let Ok(user) = UserId::parse(user.as_str()) else { continue };
            let stream = self.write_side.user_stream(&user);
            if let Some(stream) = stream.map_err(|fault| RunFault::Command(fault.to_string()))? {
                own.insert(stream, Vec::new());
            }
        }
        if own.is_empty() {
            return Ok(());
        }
        let (own, upto) = self.entries_of(own).await?;
        let refolded = self.write_side.refold_persons(&own, upto).await;
        refolded.map_err(|fault| RunFault::of_fault(&fault))
    }

    async fn entries_of(
        &self,
        mut own: BTreeMap<StreamId, Vec<LogPosition>>,
    ) -> Result<(Vec<(StreamId, Vec<LogPosition>)>, LogPosition), RunFault> {
        let (record, upto) = (Arc::clone(&self.record), self.record.head());
        let walk = tokio::task::spawn_blocking(move || {
            let mut next = LogPosition(0);
            while next <= upto {
                let headers = record.headers(next, HEADERS_AT_ONCE)?;
                let Some(last) = headers.last() else { break };
                next = last.position.next();
                for header in headers.iter().filter(|header| header.position <= upto) {
                    if let Some(positions) = own.get_mut(&header.stream) {
                        positions.push(header.position);
                    }
                }
            }
            Ok(own.into_iter().collect())
        });
        let own: Result<_, event_log::ReadFault> = walk.await.map_err(|_| RunFault::Broken)?;
        Ok((own.map_err(|fault| RunFault::Describe(fault.into()))?, upto))
    }
}
