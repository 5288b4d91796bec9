//! The instants that rules set for a record.
//!
//! Owns how each rule is applied alone: whom a policy reaches, from when it counts, how what a
//! room asks for is held between floors and ceilings. Which rule wins is `fate.rs`.

use facts::{
    Timestamp,
    fact::{Period, PolicyRule, RecordKind},
};

use super::{Ground, Record, References, Rules, Standing};

/// An instant and the rule that set it.
pub(super) type Limit<'a> = (Timestamp, Ground<'a>);

/// All instants that count.
pub(super) struct Limits<'a> {
    /// When the last floor ends.
    pub(super) floor: Option<Limit<'a>>,
    /// When what the room asks to keep ends; binds ceilings alone.
    pub(super) room_floor: Option<Limit<'a>>,
    /// When the first ceiling is reached.
    pub(super) ceiling: Option<Limit<'a>>,
    /// When the original of a redacted record has been kept long enough.
    pub(super) redaction: Option<Limit<'a>>,
    /// Since when its owner is to be erased.
    pub(super) erasure: Option<Limit<'a>>,
}

impl<'a> Limits<'a> {
    /// Asks every rule; each that speaks is told to `heard`.
    pub(super) fn of(
        record: &Record<'a>,
        rules: &Rules<'a>,
        heard: &mut impl FnMut(Ground<'a>),
    ) -> Self {
        let mut limits =
            Self { floor: None, room_floor: None, ceiling: None, redaction: None, erasure: None };
        limits.ask_policies(record, rules, heard);
        limits.ask_use(record, heard);
        limits.ask_room(record, rules, heard);
        limits.redaction = redaction(record, rules);
        limits.erasure = erasure(record, rules);
        limits.redaction.iter().chain(&limits.erasure).for_each(|(_, ground)| heard(*ground));
        limits
    }

    fn ask_policies(
        &mut self,
        record: &Record<'a>,
        rules: &Rules<'a>,
        heard: &mut impl FnMut(Ground<'a>),
    ) {
        let from = record.ages_from();
        for (policy, rule) in &rules.document.policies {
            if let Some(keep) = rule.keep_at_least
                && reaches(rule, record, record.everybody())
                && (rule.rooms.is_empty() || record.places().any(|room| rule.rooms.contains(room)))
            {
                let until = after(from, keep);
                let ground = Ground::Floor { policy, keep, until };
                heard(ground);
                self.floor = Some(later(self.floor, (until, ground)));
            }
            if let Some(keep) = rule.keep_at_most
                && ages(record)
                && reaches(rule, record, record.owner.into_iter())
                && ends_in(rule, record)
            {
                let at = after(from, keep);
                let ground = Ground::Ceiling { policy, keep, at };
                heard(ground);
                self.ceiling = Some(sooner(self.ceiling, (at, ground)));
            }
        }
    }

    /// What use says: what is in use stays, and some records are of use to nobody afterwards.
    fn ask_use(&mut self, record: &Record<'a>, heard: &mut impl FnMut(Ground<'a>)) {
        if record.standing == Standing::Current {
            heard(Ground::Current);
        }
        let done_with = matches!(record.kind, RecordKind::Account | RecordKind::ToDevice);
        let limit = match (record.standing, record.references) {
            (Standing::Ended { since }, _) if done_with => {
                let at = since.max(record.received);
                Some((at, Ground::Superseded { at }))
            }
            (Standing::Past, _) if done_with => {
                Some((record.received, Ground::Superseded { at: record.received }))
            }
            (_, References::Lost(at)) if record.kind == RecordKind::Media => {
                let at = at.max(record.received);
                Some((at, Ground::LastReferenceGone { at }))
            }
            _ => None,
        };
        if let Some(limit) = limit {
            heard(limit.1);
            self.ceiling = Some(sooner(self.ceiling, limit));
        }
    }

    /// A room's own wishes count for its messages, between the policies' floors and ceilings.
    fn ask_room(
        &mut self,
        record: &Record<'a>,
        rules: &Rules<'a>,
        heard: &mut impl FnMut(Ground<'a>),
    ) {
        let Some(rule) = rules.document.room_retention else { return };
        if record.kind != RecordKind::Messages || !ages(record) || record.room.is_none() {
            return;
        }
        let from = record.ages_from();
        if let Some(min) = record.room_retention.min_lifetime {
            let asked = after(from, Period(min));
            // Never above a ceiling of the policies.
            let until = self.ceiling.map_or(asked, |(ceiling, _)| asked.min(ceiling));
            let ground = Ground::RoomFloor { until };
            heard(ground);
            self.room_floor = Some((until, ground));
        }
        if let Some(max) = record.room_retention.max_lifetime {
            let at = after(from, Period(max).max(rule.shortest));
            let ground = Ground::RoomCeiling { at };
            heard(ground);
            self.ceiling = Some(sooner(self.ceiling, (at, ground)));
        }
    }
}

fn redaction<'a>(record: &Record<'a>, rules: &Rules<'a>) -> Option<Limit<'a>> {
    let since = record.redacted?.max(record.received);
    let keep = rules.document.redaction?.keep;
    let at = after(since, keep);
    Some((at, Ground::Redaction { keep, at }))
}

fn erasure<'a>(record: &Record<'a>, rules: &Rules<'a>) -> Option<Limit<'a>> {
    let erasure = rules.erasures.reaching(record)?;
    let ground = Ground::Erasure { request: erasure.request, at: erasure.at };
    Some((erasure.at, ground))
}

/// Whether ceilings reach it: not what is in use.
fn ages(record: &Record<'_>) -> bool {
    record.standing != Standing::Current
}

/// Whether a ceiling of these rooms ends a record: not what is shown elsewhere too.
fn ends_in(rule: &PolicyRule, record: &Record<'_>) -> bool {
    let everywhere = record.places().all(|room| rule.rooms.contains(room));
    rule.rooms.is_empty() || (record.places().next().is_some() && everywhere)
}

/// Whether a policy speaks of a record, rooms aside. A floor counts for everybody whom the record
/// concerns, and in any room in which it is shown; a ceiling for its owner alone, and in all of
/// them: where in doubt, a record is kept.
fn reaches<'a>(
    rule: &PolicyRule,
    record: &Record<'_>,
    mut persons: impl Iterator<Item = &'a str>,
) -> bool {
    rule.records.contains(&record.kind)
        && (rule.users.is_empty() || persons.any(|user| rule.users.contains(user)))
}

fn after(from: Timestamp, keep: Period) -> Timestamp {
    Timestamp(from.0.saturating_add(keep.0))
}

/// The later of two; the one that spoke first where they are equal.
pub(super) fn later<'a>(one: Option<Limit<'a>>, other: Limit<'a>) -> Limit<'a> {
    one.filter(|one| one.0 >= other.0).unwrap_or(other)
}

/// The sooner of two; the one that spoke first where they are equal.
pub(super) fn sooner<'a>(one: Option<Limit<'a>>, other: Limit<'a>) -> Limit<'a> {
    one.filter(|one| one.0 <= other.0).unwrap_or(other)
}
