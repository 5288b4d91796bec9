//! Walking the part of the log that lies in a scope.
//!
//! Owns which entries a scope takes in, and the walk over them in order of positions: bounded a
//! page, resumable by position. It goes in two steps, so that an access can be recorded in
//! between (I16): [`plan`] looks at headers alone and opens nothing; what it admits is opened
//! afterwards, and [`ScopeFilter::confirms`] drops the few that only their content tells apart.
//! Invariants: I4 (time bounds are those of recorded time), I10.

mod filter;
mod record;

use event_log::ReadFault;
use facts::{EntryHeader, LogPosition, Timestamp};

pub use self::{filter::ScopeFilter, record::Record};

/// Headers read at once.
const HEADERS_AT_ONCE: usize = 2_000;

/// How much one step of a walk takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkBounds {
    /// Entries that are admitted, at most.
    pub entries_max: usize,
    /// Bytes of their parts in clear, at most; one entry is always admitted.
    pub bytes_max: u64,
    /// Headers that are looked at, at most.
    pub scanned_max: usize,
    /// Where the walk ends, if the log goes on; absent for the end of the log. A walk whose pages
    /// are themselves recorded would otherwise never end.
    pub last: Option<LogPosition>,
}

/// A stretch of the log, and what of it may lie in the scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first position.
    pub from: LogPosition,
    /// The position after its last one; where the next step goes on.
    pub until: LogPosition,
    /// The last position that the walk may reach.
    pub last: LogPosition,
    /// Positions that were admitted, in order.
    pub admitted: Vec<LogPosition>,
    /// True where nothing of the scope follows up to `last`.
    pub done: bool,
}

/// Plans the next step from a position on, over durable entries. Opens nothing. Blocks on disk.
pub fn plan(
    record: &dyn Record,
    filter: &ScopeFilter,
    from: LogPosition,
    bounds: WalkBounds,
) -> Result<Stretch, ReadFault> {
    let from = from.max(first_of(record, filter.from())?);
    walk(record, from, bounds, |header| {
        if filter.ends_before(header.recorded_at) {
            Judged::Past
        } else if filter.admits(header) {
            Judged::In
        } else {
            Judged::Out
        }
    })
}

/// The same for entries that are told by something else than a scope.
pub fn plan_where(
    record: &dyn Record,
    from: LogPosition,
    bounds: WalkBounds,
    admits: impl Fn(&EntryHeader) -> bool,
) -> Result<Stretch, ReadFault> {
    walk(record, from, bounds, |header| if admits(header) { Judged::In } else { Judged::Out })
}

/// What a header says of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    In,
    Out,
    /// Nothing that is wanted follows.
    Past,
}

fn walk(
    record: &dyn Record,
    from: LogPosition,
    bounds: WalkBounds,
    judge: impl Fn(&EntryHeader) -> Judged,
) -> Result<Stretch, ReadFault> {
    let head = record.head();
    let last = bounds.last.map_or(head, |last| last.min(head));
    let mut page = Page {
        stretch: Stretch { from, until: from, last, admitted: Vec::new(), done: false },
        bytes: 0,
    };
    let mut scanned = 0;
    while page.stretch.until <= last {
        let wanted = HEADERS_AT_ONCE.min(bounds.scanned_max.saturating_sub(scanned));
        if wanted == 0 {
            return Ok(page.stretch);
        }
        let headers = record.headers(page.stretch.until, wanted)?;
        if headers.is_empty() {
            break;
        }
        for header in &headers {
            if header.position > last {
                break;
            }
            let judged = judge(header);
            if judged == Judged::Past {
                page.stretch.done = true;
                return Ok(page.stretch);
            }
            if judged == Judged::In && !page.takes(header, bounds) {
                return Ok(page.stretch);
            }
            page.stretch.until = header.position.next();
        }
        scanned += headers.len();
    }
    page.stretch.done = true;
    Ok(page.stretch)
}

struct Page {
    stretch: Stretch,
    bytes: u64,
}

impl Page {
    /// Admits an entry; false where the page is full and the entry stays for the next one.
    fn takes(&mut self, header: &EntryHeader, bounds: WalkBounds) -> bool {
        let bytes: u64 = header.parts.iter().map(|part| u64::from(part.length)).sum();
        let admitted = &mut self.stretch.admitted;
        let too_many = admitted.len() >= bounds.entries_max;
        let too_large = self.bytes.saturating_add(bytes) > bounds.bytes_max;
        if too_many || (too_large && !admitted.is_empty()) {
            return false;
        }
        admitted.push(header.position);
        self.bytes = self.bytes.saturating_add(bytes);
        true
    }
}

/// The first position that was recorded at `from` or later: recorded time never goes back, so it
/// is found by halving.
pub(crate) fn first_of(
    record: &dyn Record,
    from: Option<Timestamp>,
) -> Result<LogPosition, ReadFault> {
    let Some(from) = from else { return Ok(LogPosition(0)) };
    let (mut low, mut high) = (0, record.head().0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match record.headers(LogPosition(middle), 1)?.first() {
            Some(header) if header.recorded_at < from => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(LogPosition(low))
}
