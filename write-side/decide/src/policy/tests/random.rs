//! Random cases: a record with everything that is in force, in plain numbers of days.

use std::collections::{BTreeMap, BTreeSet};

use facts::{
    LogPosition, Timestamp,
    fact::{
        DAY_MS, Period, PolicyDocument, PolicyRule, RecordKind, RedactionRule, RoomRetentionRule,
    },
};

use crate::policy::{
    Erasure, Erasures, Hold, HoldPart, Holds, Record, References, RoomRetention, Rules, Standing,
};

/// The `SplitMix64` generator: small, seedable, the same everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn maybe(&mut self, times: u64, bound: u64) -> Option<u64> {
        self.once_in(times).then(|| self.below(bound))
    }

    /// A number below `bound`, three times of four.
    pub(super) fn mostly(&mut self, bound: u64) -> Option<u64> {
        (!self.once_in(4)).then(|| self.below(bound))
    }

    /// Some of the numbers below `bound`; often none.
    pub(super) fn some_of(&mut self, bound: u64) -> Vec<u64> {
        if self.once_in(2) {
            return Vec::new();
        }
        (0..bound).filter(|_| self.once_in(2)).collect()
    }
}

/// Numbers of rooms and users that cases speak of.
pub(super) const ROOMS: u64 = 3;
pub(super) const USERS: u64 = 4;

#[derive(Clone, Debug)]
pub(super) struct PlainPolicy {
    pub(super) kinds: Vec<u64>,
    pub(super) rooms: Vec<u64>,
    pub(super) users: Vec<u64>,
    pub(super) least: Option<u64>,
    pub(super) most: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct PlainPart {
    pub(super) users: Vec<u64>,
    pub(super) rooms: Vec<u64>,
    pub(super) from: Option<u64>,
    pub(super) until: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PlainUse {
    Plain,
    Current,
    Ended(u64),
    /// Ended on a day that nobody remembers.
    Past,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PlainReferences {
    Unknown,
    Latest(u64),
    Lost(u64),
}

/// A record and what is in force; times are days.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) now: u64,
    pub(super) kind: u64,
    pub(super) room: Option<u64>,
    pub(super) shown_in: Vec<u64>,
    pub(super) owner: Option<u64>,
    pub(super) other: Option<u64>,
    pub(super) personal: bool,
    pub(super) received: u64,
    pub(super) in_use: PlainUse,
    pub(super) redacted: Option<u64>,
    pub(super) references: PlainReferences,
    pub(super) room_max: Option<u64>,
    pub(super) room_min: Option<u64>,
    pub(super) policies: Vec<PlainPolicy>,
    pub(super) redaction_keep: Option<u64>,
    pub(super) room_shortest: Option<u64>,
    pub(super) holds: Vec<Vec<PlainPart>>,
    pub(super) erasures: Vec<(u64, u64)>,
}

pub(super) fn policy(random: &mut Random) -> PlainPolicy {
    let mut kinds: Vec<u64> = (0..6).filter(|_| !random.once_in(3)).collect();
    if kinds.is_empty() {
        kinds.push(0);
    }
    let least = random.maybe(2, 40).map(|days| days + 1);
    let most = match least {
        None => Some(random.below(40) + 1),
        Some(_) => random.maybe(2, 40).map(|days| days + 1),
    };
    PlainPolicy { kinds, rooms: random.some_of(ROOMS), users: random.some_of(USERS), least, most }
}

pub(super) fn part(random: &mut Random) -> PlainPart {
    let from = random.maybe(3, 50);
    let until = random.maybe(3, 30).map(|days| from.unwrap_or(0) + days + 1);
    PlainPart { users: random.some_of(USERS), rooms: random.some_of(ROOMS), from, until }
}

pub(super) fn case(random: &mut Random) -> Case {
    let few = |random: &mut Random, most: u64| random.below(most + 1);
    let in_use = match random.below(4) {
        0 => PlainUse::Plain,
        1 => PlainUse::Current,
        2 => PlainUse::Past,
        _ => PlainUse::Ended(random.below(60)),
    };
    let references = match random.below(4) {
        0 => PlainReferences::Latest(random.below(60)),
        1 => PlainReferences::Lost(random.below(60)),
        _ => PlainReferences::Unknown,
    };
    let owner = random.mostly(USERS);
    let erasures = (0..few(random, 2))
        .map(|_| {
            let anybody = random.below(USERS);
            let who = if random.once_in(2) { owner.unwrap_or(anybody) } else { anybody };
            (who, random.below(70))
        })
        .collect();
    Case {
        now: random.below(90),
        kind: random.below(7),
        room: random.mostly(ROOMS),
        shown_in: random.some_of(ROOMS),
        owner,
        other: random.maybe(3, USERS),
        personal: !random.once_in(3),
        received: random.below(50),
        in_use,
        redacted: random.maybe(3, 60),
        references,
        room_max: random.maybe(3, 20),
        room_min: random.maybe(3, 50),
        policies: (0..few(random, 4)).map(|_| policy(random)).collect(),
        redaction_keep: random.maybe(2, 30).map(|days| days + 1),
        room_shortest: random.maybe(2, 10).map(|days| days + 1),
        holds: (0..few(random, 2))
            .map(|_| (0..=random.below(2)).map(|_| part(random)).collect())
            .collect(),
        erasures,
    }
}

pub(super) fn day(day: u64) -> Timestamp {
    Timestamp(day * DAY_MS)
}

pub(super) fn user(number: u64) -> String {
    format!("@u{number}:example.org")
}

pub(super) fn room(number: u64) -> String {
    format!("!r{number}:example.org")
}

fn users(numbers: &[u64]) -> BTreeSet<String> {
    numbers.iter().map(|number| user(*number)).collect()
}

fn rooms(numbers: &[u64]) -> BTreeSet<String> {
    numbers.iter().map(|number| room(*number)).collect()
}

pub(super) fn kind(number: u64) -> RecordKind {
    RecordKind::ALL[usize::try_from(number).unwrap()]
}

pub(super) fn rule(plain: &PlainPolicy) -> PolicyRule {
    PolicyRule {
        records: plain.kinds.iter().map(|number| kind(*number)).collect(),
        rooms: rooms(&plain.rooms),
        users: users(&plain.users),
        keep_at_least: plain.least.map(Period::days),
        keep_at_most: plain.most.map(Period::days),
        ..PolicyRule::default()
    }
}

/// The case in the types of the code.
pub(super) struct Real {
    pub(super) document: PolicyDocument,
    pub(super) holds: Holds,
    pub(super) erasures: Erasures,
    room: Option<String>,
    shown_in: Vec<String>,
    owner: Option<String>,
    other: Option<String>,
}

impl Real {
    pub(super) fn of(case: &Case) -> Self {
        let named = case.policies.iter().enumerate();
        let document = PolicyDocument {
            policies: named.map(|(i, plain)| (format!("p{i}"), rule(plain))).collect(),
            redaction: case
                .redaction_keep
                .map(|days| RedactionRule { keep: Period::days(days), locked: false }),
            room_retention: case
                .room_shortest
                .map(|days| RoomRetentionRule { shortest: Period::days(days) }),
        };
        let requests = case.erasures.iter().zip(200..).map(|((who, at), position)| {
            (user(*who), Erasure { request: LogPosition(position), at: day(*at) })
        });
        Self {
            document,
            holds: holds(&case.holds),
            erasures: Erasures::new(requests),
            room: case.room.map(room),
            shown_in: case.shown_in.iter().copied().map(room).collect(),
            owner: case.owner.map(user),
            other: case.other.map(user),
        }
    }

    pub(super) fn rules(&self) -> Rules<'_> {
        Rules { document: &self.document, holds: &self.holds, erasures: &self.erasures }
    }

    /// Hands the record to `with`, for it borrows.
    pub(super) fn with_record<T>(
        &self,
        case: &Case,
        with: impl FnOnce(&Record<'_>, &Rules<'_>) -> T,
    ) -> T {
        let concerned: Vec<&str> = self.other.as_deref().into_iter().collect();
        let shown_in: Vec<&str> = self.shown_in.iter().map(String::as_str).collect();
        let record = Record {
            room: self.room.as_deref(),
            shown_in: &shown_in,
            owner: self.owner.as_deref(),
            concerned: &concerned,
            personal: case.personal,
            standing: match case.in_use {
                PlainUse::Plain => Standing::Plain,
                PlainUse::Current => Standing::Current,
                PlainUse::Ended(since) => Standing::Ended { since: day(since) },
                PlainUse::Past => Standing::Past,
            },
            redacted: case.redacted.map(day),
            references: match case.references {
                PlainReferences::Unknown => References::Unknown,
                PlainReferences::Latest(at) => References::Latest(day(at)),
                PlainReferences::Lost(at) => References::Lost(day(at)),
            },
            room_retention: RoomRetention {
                max_lifetime: case.room_max.map(|days| days * DAY_MS),
                min_lifetime: case.room_min.map(|days| days * DAY_MS),
            },
            ..Record::new(kind(case.kind), day(case.received))
        };
        with(&record, &self.rules())
    }
}

pub(super) fn holds(plain: &[Vec<PlainPart>]) -> Holds {
    let hold = |parts: &Vec<PlainPart>| {
        let part = |part: &PlainPart| HoldPart {
            users: users(&part.users),
            rooms: rooms(&part.rooms),
            from: part.from.map(day),
            until: part.until.map(day),
        };
        let parts = (0..).zip(parts.iter().map(part)).collect::<BTreeMap<u32, _>>();
        Hold { matter: "matter".to_owned(), parts }
    };
    Holds::new((100..).map(LogPosition).zip(plain.iter().map(hold)).collect())
}
