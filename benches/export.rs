//! Exporting to JSON lines with proofs, and verifying it, in rooms of ten local members.
//!
//! The log holds 100,000 entries, mostly messages, and the case names every room. A pass discloses
//! the stretch, writes evidence, form, list and manifest, with their syncs; HTTP, the accesses and
//! the lookups in the view are not in it. Verifying is all that `chancery verify` does, and then
//! the evidence alone: digests, commitments, scope and the way to the root.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]

#[path = "support/verdict.rs"]
mod verdict;
#[path = "support/written_log.rs"]
#[expect(dead_code, reason = "shared with benches that use other parts")]
mod written_log;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use event_log::{
    Log, LogOptions, SystemRandom,
    ledger::{Checkpoint, Ledger, Note, VerifierKey},
};
use facts::{
    EntryHeader, Fact, FactBody as _, LogPosition, Timestamp,
    fact::{Scope, StreamKind, StreamOpened, Subject},
};
use policies::{
    export::{
        DirectoryError, EXPORTED, EvidenceLine, ExportDirectory, Format, Manifest, ManifestVersion,
        PageEnd, PageStatement, PageWord, Served, Terms, check_evidence, filter_of, verify_export,
    },
    scope_walk::ScopeFilter,
};

/// The allocator of the server.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use crate::{verdict::Samples, written_log::WrittenLog};

const SERVER: &str = "bench.example";
const ENTRIES: u64 = 100_000;
const PEOPLE: usize = 50;
const ROOMS: usize = 20;
/// Positions of a page.
const PAGE: usize = 5_000;
/// Entries a second.
const EXPORT_BUDGET: f64 = 50_000.0;
const VERIFY_BUDGET: f64 = 100_000.0;

struct Exporter {
    log: Arc<Log>,
    ledger: Ledger,
    terms: Terms,
    checkpoint: Note,
    filter: ScopeFilter,
    names: Vec<LogPosition>,
}

impl Exporter {
    fn new(log: Arc<Log>) -> Self {
        let ledger = Ledger::open(Arc::clone(&log), &SystemRandom).expect("a ledger");
        let end = ledger.published().checkpoint.size;
        let (mut scope, mut names) = (Scope::default(), Vec::new());
        for position in (0..end).map(LogPosition) {
            let header = log.read_raw(position).expect("readable").expect("there").header;
            if header.fact_type != StreamOpened::TYPE {
                continue;
            }
            names.push(position);
            let entry = log.read(position).expect("readable").expect("there");
            if let Ok(Some(Fact::StreamOpened(opened))) = entry.fact()
                && opened.kind == StreamKind::Room
            {
                scope.rooms.push(Subject { name: opened.name, stream: header.stream });
            }
        }
        let extract = ledger.extract(0, end).expect("readable").expect("covered");
        let filter = filter_of(&scope, &EXPORTED);
        let terms = Terms {
            case: 1,
            scope,
            first: 0,
            end,
            fact_types: EXPORTED.to_vec(),
            policy_version: 0,
            policy_sha256: String::new(),
            before: Vec::new(),
        };
        Self { log, ledger, terms, checkpoint: extract.checkpoint, filter, names }
    }

    fn export(&self, dir: &Path) {
        let note = self.checkpoint.to_string();
        let (terms, format) = (self.terms.clone(), Format::Jsonl);
        let mut export = ExportDirectory::begin(dir, 1, terms, format, &note).expect("begun");
        let page = |next, _| Ok::<_, DirectoryError>(self.page(next).into_bytes());
        export.fill(page, |_| ()).expect("filled");
        export.settle_context().expect("settled");
        let sealing = export.write_forms(SERVER, Vec::new()).expect("written");
        let manifest = Manifest {
            version: ManifestVersion::default(),
            terms: self.terms.clone(),
            format,
            origin: self.tree().origin,
            root: hex::encode(self.tree().root),
            files_sha256: sealing.files_sha256,
            files: sealing.files,
            bytes: sealing.bytes,
            missing_media: Vec::new(),
        };
        let signed = self.ledger.sign_statement(&manifest.text()).expect("signed");
        export.finish(&signed.expect("a statement").note.to_string()).expect("finished");
    }

    fn page(&self, next: u64) -> String {
        let mut text = String::new();
        let wanted = |header: &EntryHeader| self.filter.admits(header);
        let from = LogPosition(next);
        let found = self.log.disclose_range(from, PAGE, 8 << 20, &wanted).expect("readable");
        let next_page = next + found.len() as u64;
        let mut served = Served::default();
        for entry in found {
            let line = EvidenceLine { entry, proof: None };
            if self.filter.admits(&line.entry.header) {
                served.note(&line);
            }
            EvidenceLine::write(&line.entry, None, &mut text);
        }
        if next == 0 {
            for position in &self.names {
                let found = self.log.disclose_range(*position, 1, 1, &|_| true).expect("readable");
                let entry = found.into_iter().next().expect("there");
                let line = EvidenceLine { entry, proof: None };
                let (digest, size) = (line.digest(), self.terms.end);
                let proof = self.ledger.inclusion(*position, &digest, size).expect("proven");
                served.note_context(&line);
                EvidenceLine::write(&line.entry, proof.as_deref(), &mut text);
            }
        }
        let page = Some(self.word((next, next_page), served));
        text.push_str(&PageEnd { next: next_page, done: next_page >= self.terms.end, page }.line());
        text
    }

    fn word(&self, page: (u64, u64), served: Served) -> PageWord {
        let extract = self.ledger.extract(0, self.terms.end).expect("readable").expect("covered");
        let tree = Checkpoint::parse(&extract.checkpoint.text).expect("a checkpoint");
        let statement = PageStatement::new(&tree, (self.terms.case, 0), page, &served);
        let signed = self.ledger.sign_statement(&statement.text()).expect("signed");
        PageWord { served, note: signed.expect("a statement").note.to_string() }
    }

    fn tree(&self) -> Checkpoint {
        Checkpoint::parse(&self.checkpoint.text).expect("a checkpoint")
    }

    fn keys(&self) -> Vec<VerifierKey> {
        self.ledger.published().keys.iter().map(|stated| stated.key.clone()).collect()
    }
}

fn exporting(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let options = LogOptions::new(dir.path().join("data"), SERVER);
    let clock = || Timestamp(1_790_000_000_000);
    let log = Log::open(options, Arc::new(clock), Arc::new(SystemRandom)).expect("a new log");
    let log = Arc::new(log);
    WrittenLog::new(Arc::clone(&log), SERVER, PEOPLE, ROOMS).talk(ENTRIES);
    let exporter = Exporter::new(log);
    let entries = exporter.terms.end;

    let (mut export, mut verify, mut prove) =
        (Samples::default(), Samples::default(), Samples::default());
    let mut group = c.benchmark_group("exporting");
    group.sample_size(10).throughput(Throughput::Elements(entries));
    let mut number = 0;
    let mut last = PathBuf::new();
    group.bench_function("to JSON lines with proofs", |b| {
        b.iter_custom(|times| {
            export.time(times, || {
                number += 1;
                // What was made before goes, so that the disk does not fill.
                drop(std::fs::remove_dir_all(&last));
                last = dir.path().join(format!("export-{number}"));
                exporter.export(&last);
            })
        });
    });
    if !last.is_dir() {
        last = dir.path().join("export");
        exporter.export(&last);
    }
    let keys = exporter.keys();
    group.bench_function("verifying all of it", |b| {
        b.iter_custom(|times| {
            verify.time(times, || {
                let report = verify_export(&last, &keys).expect("readable");
                assert!(report.holds(), "{:?}", report.findings);
            })
        });
    });
    let tree = exporter.tree();
    group.bench_function("verifying the evidence", |b| {
        b.iter_custom(|times| {
            prove.time(times, || {
                let report =
                    check_evidence(&last, &exporter.terms, &tree, Some(&keys)).expect("it holds");
                assert_eq!(report.entries, entries);
            })
        });
    });
    group.finish();
    say("exporting to JSON lines with proofs", &export, entries, EXPORT_BUDGET);
    say("verifying an export, its form made anew", &verify, entries, VERIFY_BUDGET);
    say("verifying the evidence of an export", &prove, entries, VERIFY_BUDGET);
}

fn say(what: &str, samples: &Samples, entries: u64, budget: f64) {
    let Some(seconds) = samples.median() else { return };
    #[expect(clippy::cast_precision_loss, reason = "a count of entries")]
    let (rate, by_cpu) = (entries as f64 / seconds, entries as f64 / samples.cpu());
    verdict::say(
        what,
        &format!("{rate:.0} entries/s ({by_cpu:.0} a second of processor time)"),
        &format!(">= {budget:.0} entries/s"),
        rate >= budget,
    );
}

criterion_group!(benches, exporting);
criterion_main!(benches);
