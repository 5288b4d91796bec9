//! What an older copy must know of a newer one: the orders to destroy that it has not seen.
//!
//! Owns reading them from segments, opened with a keyring: an order counts because it is sealed by
//! this log, not because a file says so. Nothing else of the newer copy is opened.

use std::io;

use bytes::Bytes;
use facts::{FactBody as _, Incarnation, LogId, LogPosition, fact};

use super::SegmentPath;
use crate::{
    Damage, DamageKind, Digest, Keyring, PartPlace, ReadFault,
    frame::{Frame, StoredPart},
    segment::{
        file_name,
        scan::{ScannedEntry, Step},
        shelf::scan_closed,
    },
    verify::part_keys,
};

/// An order that the older copy does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerOrder {
    /// Where it stands in the newer copy.
    pub position: LogPosition,
    /// What it destroys.
    pub ordered: fact::ShredOrdered,
}

/// A newer copy of a log, as far as an older one has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerLog {
    /// Whose log it is; `None` where nothing was read.
    pub log_id: Option<LogId>,
    /// Its highest incarnation.
    pub incarnation: Option<Incarnation>,
    /// Its last whole entry.
    pub head: Option<LogPosition>,
    /// Digest of its entry at the position asked for: the two copies have one history up to there
    /// if it is the older one's. `None` where the copy ends before.
    pub digest: Option<Digest>,
    /// Orders behind that position.
    pub orders: Vec<NewerOrder>,
    /// Those of them that the keyring does not open: it is older than their key epoch.
    pub unopened: Vec<LogPosition>,
}

/// Why the orders are not known.
#[derive(Debug, thiserror::Error)]
pub enum NewerError {
    /// The files cannot be read, or are damaged.
    #[error("the newer copy of the log cannot be read")]
    Read(#[from] ReadFault),
    /// The keyring does not open an order: it is older than the order's key epoch.
    #[error("the keyring does not open the order at position {0}; take a newer one")]
    NotOpened(LogPosition),
    /// What is kept as an order is none, or not what was written.
    #[error("it is no order of this log")]
    NotAnOrder,
    /// It opens, and is not an order of a version that is known.
    #[error("the order at position {0} cannot be understood")]
    Order(LogPosition, #[source] facts::FactError),
}

impl From<io::Error> for NewerError {
    fn from(error: io::Error) -> Self {
        Self::Read(error.into())
    }
}

/// Reads a newer copy from the segment that holds `after` on. A torn end, and what a running
/// server is writing, is not looked at.
pub fn read_newer(
    segments: &[SegmentPath],
    keyring: &Keyring,
    after: LogPosition,
) -> Result<NewerLog, NewerError> {
    let start = segments.partition_point(|segment| segment.first <= after).saturating_sub(1);
    let mut found = NewerLog {
        log_id: None,
        incarnation: None,
        head: None,
        digest: None,
        orders: Vec::new(),
        unopened: Vec::new(),
    };
    for (index, segment) in segments.iter().enumerate().skip(start) {
        let last = index + 1 == segments.len();
        read_segment(segment, last, keyring, after, &mut found)?;
    }
    Ok(found)
}

fn read_segment(
    segment: &SegmentPath,
    last: bool,
    keyring: &Keyring,
    after: LogPosition,
    found: &mut NewerLog,
) -> Result<(), NewerError> {
    let mut scan = scan_closed(&segment.path, segment.first)?;
    if last {
        scan.may_be_torn();
    }
    loop {
        let write = match scan.step()? {
            Step::Write(write) => write,
            Step::Footer | Step::End | Step::Torn(_) => return Ok(()),
        };
        let log_id = write.header.log_id;
        found.log_id = Some(log_id);
        found.incarnation = found.incarnation.max(Some(write.header.incarnation));
        for entry in &write.entries {
            let header = &entry.frame.header;
            found.head = Some(header.position);
            if header.position == after {
                found.digest = Some(entry.digest);
            }
            let is_order = header.stream.0 == 0 && header.fact_type == fact::ShredOrdered::TYPE;
            if is_order && header.position > after {
                match open_entry(log_id, entry, keyring, segment.first) {
                    Ok(ordered) => {
                        found.orders.push(NewerOrder { position: header.position, ordered });
                    }
                    Err(NewerError::NotOpened(position)) => found.unopened.push(position),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// Reads an order that is kept by itself ([`crate::SealedOrder::frame`]), with the incarnation
/// that it was given in. It counts because it opens: nobody without the keyring can make one.
pub fn open_order(
    log_id: LogId,
    frame: &Bytes,
    keyring: &Keyring,
) -> Result<(Incarnation, NewerOrder), NewerError> {
    let front = Frame::read_front(frame).filter(|(_, length)| *length == frame.len());
    let (frame, _) = front.ok_or(NewerError::NotAnOrder)?;
    let header = &frame.header;
    if header.stream.0 != 0 || header.fact_type != fact::ShredOrdered::TYPE {
        return Err(NewerError::NotAnOrder);
    }
    let ordered = open_frame(log_id, &frame, keyring, || NewerError::NotAnOrder)?;
    Ok((header.incarnation, NewerOrder { position: header.position, ordered }))
}

fn open_entry(
    log_id: LogId,
    entry: &ScannedEntry,
    keyring: &Keyring,
    segment: LogPosition,
) -> Result<fact::ShredOrdered, NewerError> {
    let (offset, position) = (entry.offset, entry.frame.header.position);
    open_frame(log_id, &entry.frame, keyring, || {
        let segment = file_name(segment);
        ReadFault::from(Damage { segment, offset, position, kind: DamageKind::Seal }).into()
    })
}

fn open_frame(
    log_id: LogId,
    frame: &Frame,
    keyring: &Keyring,
    damage: impl Fn() -> NewerError,
) -> Result<fact::ShredOrdered, NewerError> {
    let header = &frame.header;
    let position = header.position;
    let (Some(described), Some(StoredPart::Sealed(sealed))) =
        (header.parts.first(), frame.parts.first())
    else {
        return Err(NewerError::NotOpened(position));
    };
    let place = PartPlace { log_id, incarnation: header.incarnation, position, part: 1 };
    let keys =
        part_keys(keyring, header, described, &place).ok_or(NewerError::NotOpened(position))?;
    let mut clear = Vec::new();
    keys.open(&header.encode(), &described.commitment, sealed, &mut clear).map_err(|_| damage())?;
    fact::ShredOrdered::from_parts(header.fact_version, &[Some(&clear)])
        .map_err(|error| NewerError::Order(position, error))?
        .ok_or(NewerError::NotOpened(position))
}
