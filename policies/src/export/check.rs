//! Checking evidence against a checkpoint, without the log.
//!
//! Owns the three proofs of an export: the digests of the stretch lead to the checkpoint's root;
//! every entry that is in the scope by its header is shown, or said to be destroyed; each text is
//! the one to which its header commits. Entries whose header alone does not tell (membership,
//! receipts) and that are withheld are counted, and found where they are sealed with the key tree
//! of a person in the scope. One pass, in memory that does not grow with the stretch but for the
//! trees of persons. Reads only.

use std::{collections::HashSet, io, path::Path};

use event_log::ledger::{Checkpoint, RootHasher, VerifierKey, leaf_hash, verify_inclusion};
use facts::{
    EntryHeader, TreeId,
    fact::{FactBody as _, PduStored},
};

use super::{
    CONTEXT_FILE, ENTRIES_FILE, PAGES_FILE,
    evidence::{EvidenceLine, Left, LineFault},
    lines::each_line,
    served::{PageFault, ServedContext, ServedPages, destroyed_parts, mark_of},
    terms::Terms,
};
use crate::scope_walk::ScopeFilter;

/// What is wrong with evidence, and where.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceFault {
    /// The file.
    #[error("{file} cannot be read")]
    Io {
        /// Which.
        file: &'static str,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A line.
    #[error("{file} line {line}: {fault}")]
    Line {
        /// Which.
        file: &'static str,
        /// Counted from 1.
        line: u64,
        /// What.
        fault: LineFault,
    },
    /// A position is missing, twice there or out of order.
    #[error("{file} line {line}: position {found} stands where {expected} belongs")]
    Order {
        /// Which.
        file: &'static str,
        /// Counted from 1.
        line: u64,
        /// What belongs there.
        expected: u64,
        /// What stands there.
        found: u64,
    },
    /// The stretch ends early.
    #[error("{file} ends before position {0}: entries are missing", file = ENTRIES_FILE)]
    Short(u64),
    /// The digests do not lead to the root.
    #[error("the entries are not those of the checkpoint: one was altered, left out or put in")]
    Root,
    /// The terms do not have the form that a tree needs.
    #[error("the manifest's hashes before the stretch do not fit its first position")]
    Before,
    /// The stretch begins inside the scope's time.
    #[error("the stretch begins at position {0}, and entries of the scope may stand before it")]
    Beginning(u64),
    /// An entry of the scope is not shown.
    #[error("position {0} is in the scope and is not shown")]
    NotShown(u64),
    /// An entry that is shown is not in the scope.
    #[error("position {0} is shown and is not in the scope")]
    OutOfScope(u64),
    /// A text does not have its fact's shape.
    #[error("position {0} does not have the shape of its fact")]
    Shape(u64),
    /// A context entry does not lead to the root.
    #[error("{file} line {line}: position {position} is not an entry of the checkpoint")]
    Context {
        /// Which.
        file: &'static str,
        /// Counted from 1.
        line: u64,
        /// Which entry it claims to be.
        position: u64,
    },
    /// A line of the file of pages.
    #[error("{file} line {line}: {fault}", file = PAGES_FILE)]
    Page {
        /// Counted from 1.
        line: u64,
        /// What.
        fault: PageFault,
    },
    /// The pages end early.
    #[error("{file} ends before position {0}: the server's word is missing", file = PAGES_FILE)]
    PagesShort(u64),
    /// Destroyed or withheld by the exporter's word alone.
    #[error("position {0} is said to be destroyed or withheld, and the server did not say so")]
    Unsaid(u64),
    /// Context that the server did not give, or of which it said something else.
    #[error("{file} line {line}: position {position} is not there as the server gave it", file = CONTEXT_FILE)]
    NotGiven {
        /// Counted from 1.
        line: u64,
        /// Which entry.
        position: u64,
    },
    /// Context that is left out.
    #[error("position {0} is missing in {file}, where the server put it", file = CONTEXT_FILE)]
    LeftOut(u64),
}

/// What evidence shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvidenceReport {
    /// Entries of the stretch.
    pub entries: u64,
    /// Entries of the scope that are shown.
    pub shown: u64,
    /// Entries of which at least a part is said to be destroyed.
    pub destroyed: u64,
    /// Entries whose header does not tell whether they are in the scope, and that are withheld.
    pub withheld: u64,
    /// Entries that are shown for their names.
    pub context: u64,
    /// Whether the scope's time is over at the end of the stretch.
    pub is_over: bool,
}

/// Checks the evidence of a directory, with the server's word on its pages where keys are handed in
/// that are to sign it. Without, what it says to be destroyed or withheld, and its context, are
/// taken as they stand: manifests of the first version have no more.
pub fn check_evidence(
    dir: &Path,
    terms: &Terms,
    checkpoint: &Checkpoint,
    keys: Option<&[VerifierKey]>,
) -> Result<EvidenceReport, EvidenceFault> {
    check_and_take(dir, (terms, checkpoint, keys), |_, _, _| ())
}

/// The same; what is shown is handed out with what is left of it and the offset of its line, once it was
/// checked by itself. Whether it leads to the root is known when this returns.
pub(super) fn check_and_take(
    dir: &Path,
    (terms, checkpoint, keys): (&Terms, &Checkpoint, Option<&[VerifierKey]>),
    mut take: impl FnMut(&EvidenceLine, Left, u64),
) -> Result<EvidenceReport, EvidenceFault> {
    let pages = keys.map(|keys| ServedPages::open(dir, keys, terms, checkpoint)).transpose()?;
    let mut stretch = Stretch::new(terms, pages)?;
    let mut offset = 0;
    each_line(dir, ENTRIES_FILE, |number, line| {
        let at = offset;
        offset += line.len() as u64 + 1;
        stretch.take(number, line, |line, left| take(line, left, at))
    })?;
    let (mut report, pages) = stretch.finish(checkpoint)?;
    let mut given = pages.map(ServedPages::finish).transpose()?;
    let mut last = None;
    each_line(dir, CONTEXT_FILE, |number, line| {
        report.context += 1;
        check_context(number, line, checkpoint, (&mut last, given.as_mut()))
    })?;
    match given.and_then(|given| given.missing()) {
        Some(position) => Err(EvidenceFault::LeftOut(position)),
        None => Ok(report),
    }
}

struct Stretch<'a> {
    terms: &'a Terms,
    filter: ScopeFilter,
    hasher: RootHasher,
    /// Key trees of persons in the scope, as their own streams name them.
    trees: HashSet<TreeId>,
    /// Withheld entries by the tree of the person whom they concern.
    withheld: Vec<(TreeId, u64)>,
    last: Option<EntryHeader>,
    report: EvidenceReport,
    pages: Option<ServedPages<'a>>,
}

impl<'a> Stretch<'a> {
    fn new(terms: &'a Terms, pages: Option<ServedPages<'a>>) -> Result<Self, EvidenceFault> {
        let before = terms.before.iter().map(|hash| hex::decode(hash).ok()?.try_into().ok());
        let hasher = before
            .collect::<Option<Vec<_>>>()
            .and_then(|before| RootHasher::after(terms.first, before))
            .ok_or(EvidenceFault::Before)?;
        Ok(Self {
            terms,
            filter: terms.filter(),
            hasher,
            trees: HashSet::new(),
            withheld: Vec::new(),
            last: None,
            report: EvidenceReport::default(),
            pages,
        })
    }

    fn take(
        &mut self,
        number: u64,
        line: &[u8],
        hand_out: impl FnOnce(&EvidenceLine, Left),
    ) -> Result<(), EvidenceFault> {
        let file = ENTRIES_FILE;
        let read = EvidenceLine::parse(line).and_then(|line| line.check_texts().map(|()| line));
        let line = read.map_err(|fault| EvidenceFault::Line { file, line: number, fault })?;
        let header = &line.entry.header;
        let (expected, found) = (self.hasher.count(), header.position.0);
        if found != expected || found >= self.terms.end || line.proof.is_some() {
            return Err(EvidenceFault::Order { file, line: number, expected, found });
        }
        if self.report.entries == 0 && !self.terms.begins_right(header) {
            return Err(EvidenceFault::Beginning(found));
        }
        self.hasher.push(leaf_hash(&line.digest()));
        self.report.entries += 1;
        if let Some(left) = self.judge(&line)? {
            hand_out(&line, left);
        }
        self.last = Some(line.entry.header);
        Ok(())
    }

    /// Whether what is shown of an entry is what the scope asks for; what is left of it, if it is shown.
    fn judge(&mut self, line: &EvidenceLine) -> Result<Option<Left>, EvidenceFault> {
        let (header, withheld) = (&line.entry.header, line.is_withheld());
        let position = header.position.0;
        if self.filter.is_own_stream(header) {
            let trees = header.parts.iter().map(|part| part.person_tree);
            self.trees.extend(trees.filter(|tree| tree.is_some()));
        }
        if !self.filter.admits(header) {
            return if withheld { Ok(None) } else { Err(EvidenceFault::OutOfScope(position)) };
        }
        if withheld && self.filter.is_told_by_header(header) {
            return Err(EvidenceFault::NotShown(position));
        }
        if let (Some(mark), Some(pages)) = (mark_of(line), &mut self.pages) {
            pages.said(position, mark)?;
        }
        if withheld {
            self.report.withheld += 1;
            if header.fact_type == PduStored::TYPE
                && let Some(part) = header.parts.get(1)
            {
                self.withheld.push((part.person_tree, position));
            }
            return Ok(None);
        }
        if !line.is_whole() {
            return Err(EvidenceFault::NotShown(position));
        }
        let fact = line.fact().map_err(|_| EvidenceFault::Shape(position))?;
        // What nothing is left of is nobody's, and may be told to be destroyed.
        let nothing_left = fact.is_none() && line.entry.clear().iter().all(Option::is_none);
        if !nothing_left && !self.filter.confirms(header, fact.as_ref()) {
            return Err(EvidenceFault::OutOfScope(position));
        }
        self.report.shown += 1;
        self.report.destroyed += u64::from(line.is_destroyed());
        Ok(Some(Left(fact)))
    }

    fn finish(
        mut self,
        checkpoint: &Checkpoint,
    ) -> Result<(EvidenceReport, Option<ServedPages<'a>>), EvidenceFault> {
        if self.hasher.count() != self.terms.end {
            return Err(EvidenceFault::Short(self.terms.end));
        }
        if checkpoint.size != self.terms.end || self.hasher.root() != checkpoint.root {
            return Err(EvidenceFault::Root);
        }
        let of_scope = self.withheld.iter().find(|(tree, _)| self.trees.contains(tree));
        if let Some((_, position)) = of_scope {
            return Err(EvidenceFault::NotShown(*position));
        }
        self.report.is_over = self.last.as_ref().is_some_and(|last| self.terms.is_over(last));
        Ok((self.report, self.pages))
    }
}

fn check_context(
    number: u64,
    line: &[u8],
    checkpoint: &Checkpoint,
    (last, given): (&mut Option<u64>, Option<&mut ServedContext>),
) -> Result<(), EvidenceFault> {
    let file = CONTEXT_FILE;
    let read = EvidenceLine::parse(line).and_then(|line| line.check_texts().map(|()| line));
    let line = read.map_err(|fault| EvidenceFault::Line { file, line: number, fault })?;
    let found = line.entry.header.position.0;
    let expected = last.map_or(0, |last| last + 1);
    if found < expected {
        return Err(EvidenceFault::Order { file, line: number, expected, found });
    }
    *last = Some(found);
    let leaf = leaf_hash(&line.digest());
    let proof = line.proof.as_deref().unwrap_or_default();
    if !verify_inclusion(found, checkpoint.size, &leaf, proof, &checkpoint.root) {
        return Err(EvidenceFault::Context { file, line: number, position: found });
    }
    let destroyed = destroyed_parts(&line);
    let as_given = given.is_none_or(|given| line.is_whole() && given.gave(found, destroyed));
    if as_given { Ok(()) } else { Err(EvidenceFault::NotGiven { line: number, position: found }) }
}
