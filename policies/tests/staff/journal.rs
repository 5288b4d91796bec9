//! A log that fails when it is told to: as a journal its appends do not get durable any more, as a
//! record its entries cannot be opened.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use commands::{
    AppendError, Journal, JournalEntry, JournalFault, JournalIdentity, NotDurable, PortFuture,
};
use event_log::{Disclosure, Entry, Log, ReadFault};
use facts::{Batch, EntryHeader, LogPosition};
use policies::scope_walk::Record;

pub(crate) struct Failing {
    pub(crate) log: Arc<Log>,
    /// Appends get positions and are never durable.
    pub(crate) disk_is_gone: AtomicBool,
    /// Entries cannot be opened.
    pub(crate) unreadable: AtomicBool,
    /// How often an entry was opened for a reader.
    pub(crate) opened: AtomicUsize,
}

impl Failing {
    pub(crate) fn over(log: Arc<Log>) -> Arc<Self> {
        Arc::new(Self {
            log,
            disk_is_gone: AtomicBool::new(false),
            unreadable: AtomicBool::new(false),
            opened: AtomicUsize::new(0),
        })
    }
}

impl Journal for Failing {
    fn identity(&self) -> JournalIdentity {
        self.log.identity()
    }

    fn append(&self, batch: Batch) -> Result<Vec<EntryHeader>, AppendError> {
        Journal::append(&*self.log, batch)
    }

    fn durable(&self, position: LogPosition) -> PortFuture<'_, Result<(), NotDurable>> {
        if self.disk_is_gone.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(NotDurable)));
        }
        self.log.durable(position)
    }

    fn read(&self, position: LogPosition) -> Result<Option<JournalEntry>, JournalFault> {
        Journal::read(&*self.log, position)
    }

    fn read_range(
        &self,
        from: LogPosition,
        max_entries: usize,
    ) -> Result<Vec<JournalEntry>, JournalFault> {
        Journal::read_range(&*self.log, from, max_entries)
    }

    fn digest(&self, position: LogPosition) -> Result<Option<[u8; 32]>, JournalFault> {
        self.log.digest(position)
    }
}

impl Record for Failing {
    fn head(&self) -> LogPosition {
        self.log.head()
    }

    fn headers(&self, from: LogPosition, max: usize) -> Result<Vec<EntryHeader>, ReadFault> {
        Record::headers(&*self.log, from, max)
    }

    fn open(&self, position: LogPosition) -> Result<Option<Entry>, ReadFault> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(ReadFault::Io(std::io::Error::other("injected")));
        }
        Record::open(&*self.log, position)
    }
    fn disclose(
        &self,
        from: LogPosition,
        max: usize,
        wanted: &dyn Fn(&EntryHeader) -> bool,
    ) -> Result<Vec<Disclosure>, ReadFault> {
        let opened = |header: &EntryHeader| {
            let wanted = wanted(header);
            self.opened.fetch_add(usize::from(wanted), Ordering::SeqCst);
            wanted
        };
        if self.unreadable.load(Ordering::SeqCst) {
            return Err(ReadFault::Io(std::io::Error::other("injected")));
        }
        Record::disclose(&*self.log, from, max, &opened)
    }
}
