//! The write side as its users hold it.
//!
//! Owns opening (fold store, catching up), the registry of fold kinds, names of streams, and
//! closing. Commands are functions over it: one command, one file.
//! Invariants: I1, I3, I7, I9 (clock and randomness are handed in).

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::Arc,
};

use decide::room::Approvals;
use event_log::{Clock, Random};
use facts::{EntryHeader, LogPosition, StreamId, Timestamp, fact::StreamKind};
use ruma::{RoomId, UserId};

use crate::{
    Actors, AllowAll, CommandError, Core, Fault, Fold, FoldStoreFault, Gate, Journal, NoView,
    ServerIdentity, ViewWatch, Wish,
    catch_up::{catch_up, replay_from},
    flush::{self, FoldKinds},
    fold_store::FoldStore,
    governance::InForceCell,
    in_flight::{InFlight, TxnTurn},
    index::TxnKey,
    known_cache::KnownCache,
    pdus::PduCache,
};

/// What the write side is built on; everything ambient is handed in.
pub struct WriteSideParts {
    /// The log.
    pub journal: Arc<dyn Journal>,
    /// `<data_dir>/folds`.
    pub folds_dir: PathBuf,
    /// Name and signing key.
    pub identity: Arc<ServerIdentity>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Policies; [`AllowAll`] without any.
    pub gate: Arc<dyn Gate>,
    /// The client view's progress; [`NoView`] without one.
    pub view: Arc<dyn ViewWatch>,
}

impl WriteSideParts {
    /// Parts without policies and without a view to wait for.
    pub fn new(
        journal: Arc<dyn Journal>,
        folds_dir: PathBuf,
        identity: Arc<ServerIdentity>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            journal,
            folds_dir,
            identity,
            clock,
            random,
            gate: Arc::new(AllowAll),
            view: Arc::new(NoView),
        }
    }
}

/// The write side; a cheap clone of one shared thing.
#[derive(Clone)]
pub struct WriteSide {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    kinds: FoldKinds,
    actors: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    identity: Arc<ServerIdentity>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    gate: Arc<dyn Gate>,
    in_flight: InFlight,
    pdus: PduCache,
    known: KnownCache,
    approvals: Approvals,
    in_force: InForceCell,
}

impl fmt::Debug for WriteSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteSide").finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.core.flush_due.notify_one();
    }
}

/// Collects the kinds of folds that a write side has.
pub struct FoldKindsBuilder {
    core: Arc<Core>,
    kinds: FoldKinds,
    actors: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl FoldKindsBuilder {
    /// Adds a kind of fold; `capacity` idle ones stay in memory.
    #[must_use]
    pub fn with<F: Fold>(mut self, capacity: usize) -> Self {
        let actors = Arc::new(Actors::<F>::new(Arc::clone(&self.core), capacity));
        self.kinds.insert(F::KIND, Arc::clone(&actors) as _);
        self.actors.insert(TypeId::of::<F>(), actors);
        self
    }
}

impl WriteSide {
    /// Opens with the folds of all commands.
    pub async fn open(parts: WriteSideParts) -> Result<Self, Fault> {
        Self::open_with(parts, |kinds| {
            let kinds = crate::room::register(kinds);
            let kinds = crate::user::register_kinds(kinds);
            let kinds = crate::alias::register_kinds(kinds);
            crate::governance::register_kinds(kinds)
        })
        .await
    }

    /// Opens the fold store, brings it up to the head of the log and is ready to decide.
    ///
    /// `register` names the kinds of folds. Must run within a tokio runtime.
    pub async fn open_with(
        parts: WriteSideParts,
        register: impl FnOnce(FoldKindsBuilder) -> FoldKindsBuilder,
    ) -> Result<Self, Fault> {
        let (store, from) = open_store(&parts).await?;
        let core = Arc::new(Core::new(parts.journal, store, parts.view));
        let FoldKindsBuilder { kinds, actors, .. } = register(FoldKindsBuilder {
            core: Arc::clone(&core),
            kinds: HashMap::new(),
            actors: HashMap::new(),
        });
        catch_up(&core, &kinds, from).await?;
        let inner = Arc::new(Inner {
            core: Arc::clone(&core),
            kinds,
            actors,
            identity: parts.identity,
            clock: parts.clock,
            random: parts.random,
            gate: parts.gate,
            in_flight: InFlight::default(),
            pdus: PduCache::default(),
            known: KnownCache::default(),
            approvals: Approvals::default(),
            in_force: InForceCell::default(),
        });
        let weak = Arc::downgrade(&inner);
        let due = Arc::clone(&core.flush_due);
        tokio::spawn(async move {
            loop {
                due.notified().await;
                let Some(inner) = weak.upgrade() else { return };
                if let Err(error) = flush::flush(&inner.core, &inner.kinds).await {
                    tracing::error!(?error, "flushing the folds failed");
                }
            }
        });
        Ok(Self { inner })
    }

    /// Flushes the folds; the last call of an orderly stop. Without it the next start replays.
    pub async fn close(self) -> Result<(), Fault> {
        self.flush().await
    }

    /// Flushes the folds now.
    pub async fn flush(&self) -> Result<(), Fault> {
        flush::flush(&self.inner.core, &self.inner.kinds).await?;
        Ok(())
    }

    /// Appending and looking up.
    pub fn core(&self) -> &Core {
        &self.inner.core
    }

    /// The actors of a kind that was registered when the write side was opened.
    pub fn actors<F: Fold>(&self) -> &Actors<F> {
        let actors = self.inner.actors.get(&TypeId::of::<F>());
        actors
            .and_then(|actors| actors.downcast_ref())
            .expect("every kind of fold is registered when the write side is opened")
    }

    /// Name and key of this server.
    pub fn identity(&self) -> &Arc<ServerIdentity> {
        &self.inner.identity
    }

    /// What is in force, as it was published last.
    pub(crate) fn in_force(&self) -> &InForceCell {
        &self.inner.in_force
    }

    /// Keys were destroyed: forgets what is in memory of entries, read or written lately, of which
    /// something is `gone`. They are read again from the log, in the form that is left of them.
    pub async fn forget_contents(
        &self,
        gone: impl Fn(&EntryHeader) -> bool + Send + 'static,
    ) -> Result<(), Fault> {
        // Entries that were written lately leave memory with a flush.
        self.flush().await?;
        let inner = Arc::clone(&self.inner);
        let forgotten = tokio::task::spawn_blocking(move || {
            let left = inner.pdus.forget(gone);
            inner.known.forget_all_but(&left);
        });
        forgotten.await.map_err(|error| Fault::Unfit(format!("forgetting broke off: {error}")))
    }

    /// Makes the folds of persons anew from what of their streams can still be read, in memory and
    /// on disk. `own` are the entries of each stream up to `upto`, readable or not, in order.
    pub async fn refold_persons(
        &self,
        own: &[(StreamId, Vec<LogPosition>)],
        upto: LogPosition,
    ) -> Result<(), Fault> {
        let core = Arc::clone(&self.inner.core);
        // Nothing leaves memory for the store meanwhile.
        let _flushing = core.flushing.lock().await;
        for (stream, positions) in own {
            let persons = self.actors::<crate::user::PersonFold>();
            let saved = persons.refold(*stream, positions.clone(), upto).await?;
            let replacing = Arc::clone(&core);
            let replaced = tokio::task::spawn_blocking(move || replacing.store.replace(saved));
            replaced
                .await
                .map_err(|error| Fault::Unfit(format!("saving broke off: {error}")))??;
        }
        Ok(())
    }

    /// Drops what the stores of folds still have of values that were replaced or removed: folds
    /// are flushed, merged on disk, and the journal begins anew. Blocks on the disk for as long
    /// as that takes.
    pub async fn purge_folds(&self) -> Result<(), Fault> {
        self.flush().await?;
        let core = Arc::clone(&self.inner.core);
        let purged = tokio::task::spawn_blocking(move || core.store.purge());
        purged.await.map_err(|error| Fault::Unfit(format!("a purge broke off: {error}")))??;
        Ok(())
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Randomness.
    pub fn random(&self) -> &dyn Random {
        self.inner.random.as_ref()
    }

    /// Random bytes.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.inner.random.fill(&mut bytes);
        bytes
    }

    /// Asks the organization's policies.
    pub async fn ask_gate<R>(&self, wish: Wish<'_>) -> Result<(), CommandError<R>> {
        self.inner.gate.check(wish).await.map_err(CommandError::Gate)
    }

    /// Waits for earlier requests of the same client transaction; hold the turn until the answer
    /// is known, and ask [`Core::txn`] after getting it.
    pub async fn client_txn_turn<R>(&self, key: &TxnKey) -> Result<TxnTurn, CommandError<R>> {
        let turn = self.inner.in_flight.turn(key).await;
        turn.ok_or_else(CommandError::busy)
    }

    pub(crate) fn approvals(&self) -> &Approvals {
        &self.inner.approvals
    }

    pub(crate) fn known_cache(&self) -> &KnownCache {
        &self.inner.known
    }

    pub(crate) fn pdu_cache(&self) -> &PduCache {
        &self.inner.pdus
    }

    /// The stream of a room that we know.
    pub fn room_stream(&self, room: &RoomId) -> Result<Option<StreamId>, FoldStoreFault> {
        self.core().stream_named(StreamKind::Room, room.as_str())
    }

    /// The stream of a person that we know.
    pub fn user_stream(&self, user: &UserId) -> Result<Option<StreamId>, FoldStoreFault> {
        self.core().stream_named(StreamKind::User, user.as_str())
    }
}

async fn open_store(parts: &WriteSideParts) -> Result<(FoldStore, facts::LogPosition), Fault> {
    let dir = parts.folds_dir.clone();
    let journal = Arc::clone(&parts.journal);
    let open = tokio::task::spawn_blocking(move || {
        let store = FoldStore::open(&dir)?;
        Ok(match replay_from(journal.as_ref(), &store)? {
            Some(from) => (store, from),
            None => (store.reset(&dir)?, facts::LogPosition(0)),
        })
    });
    open.await.map_err(|error| Fault::Unfit(format!("opening the fold store failed: {error}")))?
}
