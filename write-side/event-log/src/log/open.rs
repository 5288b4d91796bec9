//! Opening: lease, recovery, keyring, index, orders, writer; in this order.
//!
//! Owns what happens before the first read. A crash anywhere in here changes nothing that the
//! next start would not do again.

use std::sync::Arc;

use facts::{LogId, LogPosition, Timestamp, fact};
use parking_lot::Mutex;

use super::{Log, OpenError, append::own_batch, clock_watch::ClockWatch};
use crate::{
    Clock, DestructionStep, Disk, Keyring, LogOptions, OsDisk, Random, ReadFault,
    appender::Appender,
    assign::Assigner,
    lease::Lease,
    options::SEGMENT_BYTES_MAX,
    publish::Publishing,
    recovery::{Recovered, recover},
    segment::{scan::ChainPoint, shelf::Shelf},
    sequencer::{Sequencer, embedded::EmbeddedSequencer, target::Target},
    shared::Shared,
    stream_index::{IndexCheckpoint, StreamIndex},
    vault::Vault,
};

/// The format that `LogOpened` states.
const LOG_FORMAT: u16 = 1;
/// Entries read at once while the index catches up.
const REPLAY_ENTRIES: usize = 4_096;
/// And bytes.
const REPLAY_BYTES: usize = 4 * 1024 * 1024;

impl Log {
    /// Opens the log in a data directory, or begins one there.
    ///
    /// Blocks for as long as recovery takes. Every ordered destruction is executed before this
    /// returns, so before the first read.
    pub fn open(
        options: LogOptions,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, OpenError> {
        Self::open_over(options, clock, random, Arc::new(OsDisk), None)
    }

    /// Opens it on a given disk; tests hand in one that fails.
    pub fn open_on(
        options: LogOptions,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, OpenError> {
        Self::open_over(options, clock, random, disk, None)
    }

    /// Opens it over a sequencer, which the local segments then mirror; `None`: the local
    /// segments are the log. What the sequencer has and the segments do not is fetched first.
    pub fn open_over(
        options: LogOptions,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        disk: Arc<dyn Disk>,
        sequencer: Option<Box<dyn Sequencer>>,
    ) -> Result<Self, OpenError> {
        let lease = Lease::take(&options.data_dir)?;
        let recovered = recover(&options.segments_dir(), &*disk)?;
        let Recovered { chain, closed, active, torn_bytes } = recovered;
        if torn_bytes > 0 {
            tracing::warn!(torn_bytes, "a torn last write was cut");
        }
        let shelf = Arc::new(Shelf::new(options.segments_dir(), closed));
        let active = match active {
            Some((active, offsets)) => {
                shelf.open_active(active.first, offsets).map_err(ReadFault::from)?;
                Some(active)
            }
            None => None,
        };
        let segment_bytes = options.segment_bytes.min(SEGMENT_BYTES_MAX);
        let local = EmbeddedSequencer::new(
            Arc::clone(&disk),
            Arc::clone(&shelf),
            segment_bytes,
            chain,
            active,
        );
        let mut target = Target::new(local, sequencer);
        target.catch_up()?;
        let chain = target.chain().clone();
        let keyring = open_keyring(&options, &chain, &*clock, &random, &disk)?;
        check_epochs(&keyring, &shelf, &chain)?;
        let shared = Arc::new(prepare_shared(&options, shelf, keyring, &chain)?);
        check_opened(&shared, &chain, &options.server_name)?;
        let assigner = Arc::new(Mutex::new(resume_assigner(&shared, &chain)?));
        let writer = Appender {
            shared: Arc::clone(&shared),
            assigner: Arc::clone(&assigner),
            clock: Arc::clone(&clock),
            target,
            chain: chain.clone(),
            publishing: Publishing::start(Arc::clone(&shared), Arc::clone(&assigner))
                .map_err(OpenError::Thread)?,
        };
        let writer = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(OpenError::Thread)?;
        let log = Self {
            clock_watch: ClockWatch::new(&*clock),
            options,
            shared,
            assigner,
            clock,
            random,
            disk,
            writer: Mutex::new(Some(writer)),
            shredding: Mutex::default(),
            torn_bytes,
            lease: Mutex::new(Some(lease)),
        };
        log.begin_if_new(&chain)?;
        log.finish_orders()?;
        Ok(log)
    }

    fn begin_if_new(&self, chain: &ChainPoint) -> Result<(), OpenError> {
        if chain.next == LogPosition(0) {
            let opened = fact::LogOpened {
                log_id: self.shared.log_id,
                server_name: self.options.server_name.clone(),
                format: LOG_FORMAT,
            };
            self.append(own_batch(&opened))?.durable.wait()?;
        }
        Ok(())
    }
}

/// Position 0 must say that this is the log of this server; before anything is written.
fn check_opened(shared: &Shared, chain: &ChainPoint, server_name: &str) -> Result<(), OpenError> {
    if chain.next == LogPosition(0) {
        return Ok(());
    }
    let first = LogPosition(0);
    let opened = shared.fact_at::<fact::LogOpened>(first)?;
    let opened = opened
        .filter(|opened| opened.format == LOG_FORMAT && opened.log_id == shared.log_id)
        .ok_or(OpenError::NotALog(first))?;
    if opened.server_name != server_name {
        return Err(OpenError::OtherServer {
            expected: server_name.to_owned(),
            found: opened.server_name,
        });
    }
    Ok(())
}

/// The keyring of the log; a new one for a log that has no entry yet.
fn open_keyring(
    options: &LogOptions,
    chain: &ChainPoint,
    clock: &dyn Clock,
    random: &Arc<dyn Random>,
    disk: &Arc<dyn Disk>,
) -> Result<Keyring, OpenError> {
    let (random, disk) = (Arc::clone(random), Arc::clone(disk));
    let before = Box::new(move |step| disk.before(DestructionStep::Keyring(step)));
    if let Some(log_id) = chain.log_id {
        return Ok(Keyring::open_with(&options.keys_dir, log_id, random, before)?);
    }
    // A crash after the keyring and before the first entry leaves the keyring alone: go on
    // under its identity.
    if let Some(log_id) = Keyring::log_id_in(&options.keys_dir)? {
        return Ok(Keyring::open_with(&options.keys_dir, log_id, random, before)?);
    }
    let mut log_id = [0; 16];
    random.fill(&mut log_id);
    let log_id = LogId(log_id);
    Ok(Keyring::create_with(&options.keys_dir, log_id, clock.now(), random, before)?)
}

/// Every epoch that an entry names must be in the keyring. Without this an older copy of the
/// keyring would read whole epochs as destroyed, and open others under their numbers.
fn check_epochs(keyring: &Keyring, shelf: &Shelf, chain: &ChainPoint) -> Result<(), OpenError> {
    let Some(head) = chain.next.0.checked_sub(1) else {
        return Ok(());
    };
    let Some(frame) = shelf.frame(LogPosition(head))? else {
        return Err(OpenError::NotALog(LogPosition(head)));
    };
    let (needed, newest) = (frame.header.key_epoch, keyring.epoch_for_sealing());
    if needed > newest {
        return Err(OpenError::KeyringTooOld { needed, newest });
    }
    Ok(())
}

/// Brings the index up to the head and executes orders that the keyring does not know.
fn prepare_shared(
    options: &LogOptions,
    shelf: Arc<Shelf>,
    keyring: Keyring,
    chain: &ChainPoint,
) -> Result<Shared, OpenError> {
    let log_id = keyring.log_id();
    let head = LogPosition(chain.next.0.saturating_sub(1));
    let mut index = StreamIndex::open(&options.index_dir())?;
    let good = match index.checkpoint() {
        Some(checkpoint) => checkpoint_holds(checkpoint, log_id, &shelf)?,
        None => true,
    };
    if !good {
        tracing::info!("the index of streams belongs to another log; it is rebuilt");
        drop(index);
        index = StreamIndex::open_empty(&options.index_dir())?;
    }
    let from = index.checkpoint().map_or(LogPosition(0), |at| at.position.next());
    let vault = Vault::new(keyring, options.epoch_days);
    let shared = Shared::new(log_id, shelf, index, vault, head);
    replay(&shared, from, chain.next)?;
    execute_unknown_orders(&shared)?;
    Ok(shared)
}

fn checkpoint_holds(
    checkpoint: &IndexCheckpoint,
    log_id: LogId,
    shelf: &Shelf,
) -> Result<bool, ReadFault> {
    if checkpoint.log_id != log_id {
        return Ok(false);
    }
    let frame = shelf.frame(checkpoint.position)?;
    Ok(frame.is_some_and(|frame| {
        frame.header.incarnation == checkpoint.incarnation && frame.digest() == checkpoint.digest
    }))
}

fn replay(shared: &Shared, from: LogPosition, end: LogPosition) -> Result<(), OpenError> {
    let mut next = from;
    while next < end {
        let frames = shared.shelf.frames(next, REPLAY_ENTRIES, REPLAY_BYTES)?;
        if frames.is_empty() {
            return Err(OpenError::NotALog(next));
        }
        for frame in frames {
            shared.follow(&frame.header, frame.digest(), None)?;
            next = frame.header.position.next();
        }
        shared.index.lock().flush_if_due()?;
    }
    Ok(())
}

/// A keyring from a backup does not know the latest orders: it destroys again, before anything
/// is read.
fn execute_unknown_orders(shared: &Shared) -> Result<(), OpenError> {
    let applied = shared.vault.keyring().applied_through();
    let orders = shared.index.lock().orders_after(applied)?;
    for order in orders {
        if let Some(ordered) = shared.fact_at::<fact::ShredOrdered>(order)? {
            shared.vault.destroy(&ordered.ranges, order)?;
        }
    }
    Ok(())
}

fn resume_assigner(shared: &Shared, chain: &ChainPoint) -> Result<Assigner, OpenError> {
    let last_recorded = match chain.next.0.checked_sub(1) {
        None => Timestamp(0),
        Some(head) => {
            let frame = shared.shelf.frame(LogPosition(head))?;
            frame.map_or(Timestamp(0), |frame| frame.header.recorded_at)
        }
    };
    let next_tree = shared.index.lock().next_tree();
    Ok(Assigner::new(chain.incarnation, chain.next, last_recorded, next_tree))
}
