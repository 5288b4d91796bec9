//! Names of streams: every user who appears, local or remote, has a stream; so have inboxes and
//! aliases once they are used.
//!
//! Owns opening missing streams. Looking up and opening happen under one lock, so a name never
//! gets two streams. A stream that is opened and then not used is harmless.

use facts::{
    Batch, Fact, Routing, StreamId, StreamRef,
    fact::{StreamKind, StreamOpened},
};
use ruma::{OwnedUserId, UserId};

use crate::{CommandError, WriteSide};

/// Streams opened by one batch, at most.
const OPENED_MAX: usize = facts::BATCH_ENTRIES_MAX;

impl WriteSide {
    /// The streams of these users, in their order; opens what is missing.
    ///
    /// The new entries need not be durable when this answers: whatever names them is appended
    /// after them, and is durable only after them.
    pub fn ensure_users<R>(&self, users: &[OwnedUserId]) -> Result<Vec<StreamId>, CommandError<R>> {
        let mut streams = Vec::with_capacity(users.len());
        for chunk in users.chunks(OPENED_MAX) {
            self.open_missing(chunk)?;
            for user in chunk {
                let stream = self.user_stream(user)?;
                streams.push(stream.expect("a stream that was just opened has its name"));
            }
        }
        Ok(streams)
    }

    /// The stream of one user; opens it if it is missing.
    pub fn ensure_user<R>(&self, user: &UserId) -> Result<StreamId, CommandError<R>> {
        let streams = self.ensure_users(&[user.to_owned()])?;
        Ok(streams[0])
    }

    /// The stream of this kind and name; opens it if it is missing. Users go by
    /// [`Self::ensure_user`].
    pub fn ensure_stream<R>(
        &self,
        kind: StreamKind,
        name: &str,
    ) -> Result<StreamId, CommandError<R>> {
        if kind == StreamKind::User {
            return self.open_one(kind, name, Routing::own(StreamRef::OpenedBy(0)));
        }
        self.open_one(kind, name, Routing::server(StreamRef::OpenedBy(0)))
    }

    fn open_one<R>(
        &self,
        kind: StreamKind,
        name: &str,
        routing: Routing,
    ) -> Result<StreamId, CommandError<R>> {
        if let Some(stream) = self.core().stream_named(kind, name)? {
            return Ok(stream);
        }
        let headers = self.core().append_under_lock(|recent| {
            let mut batch = Batch::default();
            if recent.stream_named(kind, name).is_none()
                && self.core().store.stream_named(kind, name)?.is_none()
            {
                batch.drafts.push(opening(kind, name, routing));
            }
            Ok::<_, CommandError<R>>(batch)
        })?;
        if let Some(opened) = headers.first() {
            return Ok(opened.stream);
        }
        let stream = self.core().stream_named(kind, name)?;
        Ok(stream.expect("somebody else has just opened it"))
    }

    fn open_missing<R>(&self, users: &[OwnedUserId]) -> Result<(), CommandError<R>> {
        let mut missing: Vec<&OwnedUserId> = Vec::new();
        for user in users {
            if self.user_stream(user)?.is_none() && !missing.contains(&user) {
                missing.push(user);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.core().append_under_lock(|recent| {
            let mut batch = Batch::default();
            for user in missing {
                // The store may have got the name since; it is asked again.
                let known = recent.stream_named(StreamKind::User, user.as_str());
                let known = match known {
                    Some(known) => Some(known),
                    None => self.core().store.stream_named(StreamKind::User, user.as_str())?,
                };
                if known.is_none() {
                    let k = u32::try_from(batch.drafts.len())
                        .expect("a batch holds at most 1,000 drafts");
                    let routing = Routing::own(StreamRef::OpenedBy(k));
                    batch.drafts.push(opening(StreamKind::User, user.as_str(), routing));
                }
            }
            Ok::<_, CommandError<R>>(batch)
        })?;
        Ok(())
    }
}

/// The draft that opens a stream.
pub(crate) fn opening(kind: StreamKind, name: &str, routing: Routing) -> facts::Draft {
    let opened = Fact::from(StreamOpened { kind, name: name.to_owned() });
    opened.draft(routing).expect("a person's stream is opened with the person's own routing")
}
