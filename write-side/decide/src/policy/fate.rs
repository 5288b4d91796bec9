//! What becomes of a record at an instant.
//!
//! Owns which rule wins. Hiding and destroying are two questions to one [`Fate`]; the module's
//! header states what holds between them.

use facts::{Timestamp, fact::PolicyDocument};

use super::{
    Erasures, Ground, Holds, Record,
    limits::{Limit, Limits, later, sooner},
};

/// Everything that is in force.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The policies.
    pub document: &'a PolicyDocument,
    /// The holds.
    pub holds: &'a Holds,
    /// The erasures that are under way.
    pub erasures: &'a Erasures,
}

/// How much of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// What redaction strips, or what the owner's key opens; the redacted form stays.
    Content,
    /// All of it, but for a stub that keeps a room's graph whole where it is a message.
    Whole,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Kept, and shown to whom Matrix shows it.
    Keep {
        /// When that ends as things stand; `None` for never.
        until: Option<Timestamp>,
    },
    /// No longer shown, and not yet destroyed.
    Restricted {
        /// How much.
        extent: Extent,
        /// Since when it is not shown.
        since: Timestamp,
        /// When it will be destroyed; `None` while a hold forbids it.
        until: Option<Timestamp>,
    },
    /// No longer shown, and to be destroyed.
    Destroy {
        /// How much.
        extent: Extent,
        /// Since when it is due.
        since: Timestamp,
    },
}

impl Fate {
    /// What is hidden from clients.
    pub fn hidden(self) -> Option<Extent> {
        match self {
            Self::Keep { .. } => None,
            Self::Restricted { extent, .. } | Self::Destroy { extent, .. } => Some(extent),
        }
    }

    /// What is to be destroyed.
    pub fn destroyed(self) -> Option<Extent> {
        match self {
            Self::Keep { .. } | Self::Restricted { .. } => None,
            Self::Destroy { extent, .. } => Some(extent),
        }
    }
}

/// What becomes of a record at `now`.
pub fn fate(record: &Record<'_>, rules: &Rules<'_>, now: Timestamp) -> Fate {
    weigh(record, rules, now, &mut |_| {}).0
}

/// The fate, and the rule that decided it; every rule that spoke is told to `heard`.
pub(super) fn weigh<'a>(
    record: &Record<'a>,
    rules: &Rules<'a>,
    now: Timestamp,
    heard: &mut impl FnMut(Ground<'a>),
) -> (Fate, Ground<'a>) {
    let limits = Limits::of(record, rules, heard);
    let whole = limits.whole();
    let over = match (whole, limits.ceiling) {
        // The ceiling ends it; a floor only said when.
        (Some((since, _)), Some((_, ground))) if since <= now => {
            Some(Over { extent: Extent::Whole, since, due: since, ground, floor: None })
        }
        _ => limits.content_over(now),
    };
    match over {
        Some(over) => over.fate(held_by(record, rules), now),
        None => limits.kept(record, whole),
    }
}

/// A record, or its content, that clients no longer see.
struct Over<'a> {
    extent: Extent,
    /// Since when.
    since: Timestamp,
    /// When it may be destroyed, holds aside.
    due: Timestamp,
    /// What ended it.
    ground: Ground<'a>,
    /// The floor that is waited for.
    floor: Option<Ground<'a>>,
}

impl<'a> Over<'a> {
    fn fate(self, hold: Option<Ground<'a>>, now: Timestamp) -> (Fate, Ground<'a>) {
        let Self { extent, since, due, ground, floor } = self;
        match (hold, floor) {
            (Some(hold), _) => (Fate::Restricted { extent, since, until: None }, hold),
            (None, Some(floor)) if due > now => {
                (Fate::Restricted { extent, since, until: Some(due) }, floor)
            }
            (None, _) => (Fate::Destroy { extent, since: due }, ground),
        }
    }
}

impl<'a> Limits<'a> {
    /// When all of it is over: the first ceiling, and not before the last floor.
    fn whole(&self) -> Option<Limit<'a>> {
        let ceiling = self.ceiling?;
        let floored = self.floor.map_or(ceiling, |floor| not_before(ceiling, floor));
        Some(self.room_floor.map_or(floored, |floor| not_before(floored, floor)))
    }

    /// When the original of a redacted record is over: not before the last floor.
    fn original(&self) -> Option<Limit<'a>> {
        let redaction = self.redaction?;
        Some(self.floor.map_or(redaction, |floor| not_before(redaction, floor)))
    }

    /// Content that is over while the rest is not. An erasure hides at once and waits for floors.
    fn content_over(&self, now: Timestamp) -> Option<Over<'a>> {
        let original = self.original().zip(self.redaction).map(|((at, _), (_, why))| (at, why));
        let original = original.filter(|(at, _)| *at <= now);
        let erasure = self.erasure.filter(|(at, _)| *at <= now);
        let erasure_due =
            erasure.map(|limit| self.floor.map_or(limit.0, |(until, _)| limit.0.max(until)));
        let (since, ground) = match (original, erasure) {
            (Some(one), Some(other)) => sooner(Some(one), other),
            (one, other) => one.or(other)?,
        };
        let dues = original.map(|(at, _)| at).into_iter().chain(erasure_due);
        let due = dues.min()?;
        let floor = self.floor.filter(|(until, _)| *until > now).map(|(_, ground)| ground);
        Some(Over { extent: Extent::Content, since, due, ground, floor })
    }

    /// Kept: until when, and by what that is decided.
    fn kept(&self, record: &Record<'a>, whole: Option<Limit<'a>>) -> (Fate, Ground<'a>) {
        let coming = [self.original(), self.erasure].into_iter().flatten();
        let end = coming.fold(whole, |end, limit| Some(sooner(end, limit)));
        let ground = match end {
            Some((_, ground)) => ground,
            None if record.standing == super::Standing::Current => Ground::Current,
            None => Ground::NoLimit,
        };
        (Fate::Keep { until: end.map(|(at, _)| at) }, ground)
    }
}

/// A limit that a floor moves: the floor decides where it is later.
fn not_before<'a>(limit: Limit<'a>, floor: Limit<'a>) -> Limit<'a> {
    later(Some(limit), floor)
}

fn held_by<'a>(record: &Record<'a>, rules: &Rules<'a>) -> Option<Ground<'a>> {
    let hold = rules.holds.covers(record)?;
    let matter = rules.holds.all()[&hold].matter.as_str();
    Some(Ground::Hold { hold, matter })
}
