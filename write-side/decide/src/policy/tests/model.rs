//! The reference: the rules once more, as questions about single days.
//!
//! It knows nothing of instants that limit each other: it asks on each day, one after the other,
//! whether anything says that the record is over and whether anything says that it is not.

use super::random::{Case, PlainPart, PlainPolicy, PlainReferences, PlainUse, day};
use crate::policy::{Extent, Fate};

/// No rule of a case reaches further.
const LAST_DAY: u64 = 260;

const MESSAGES: u64 = 0;
const MEDIA: u64 = 2;
const TO_DEVICE: u64 = 4;
const ACCOUNT: u64 = 6;

pub(super) struct Model<'a>(pub(super) &'a Case);

impl Model<'_> {
    pub(super) fn fate(&self) -> Fate {
        let now = self.0.now;
        if self.is_over(now) {
            return self.ended(Extent::Whole, |day| self.is_over(day), |day| self.is_over(day));
        }
        let hidden = |day| self.original_is_over(day) || self.is_erased(day);
        if hidden(now) {
            let free =
                |day| self.original_is_over(day) || self.is_erased(day) && !self.must_be_kept(day);
            return self.ended(Extent::Content, hidden, free);
        }
        let ends = |day: &u64| self.is_over(*day) || hidden(*day);
        Fate::Keep { until: (now + 1..LAST_DAY).find(ends).map(day) }
    }

    fn ended(
        &self,
        extent: Extent,
        hidden: impl Fn(u64) -> bool,
        free: impl Fn(u64) -> bool,
    ) -> Fate {
        let first = |question: &dyn Fn(u64) -> bool| (0..LAST_DAY).find(|day| question(*day));
        let since = day(first(&hidden).unwrap());
        if self.is_held() {
            Fate::Restricted { extent, since, until: None }
        } else if free(self.0.now) {
            Fate::Destroy { extent, since: day(first(&free).unwrap()) }
        } else {
            let until = (self.0.now..LAST_DAY).find(|day| free(*day)).map(day);
            Fate::Restricted { extent, since, until }
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.0.holds.iter().flatten().any(|part| self.is_in(part))
    }

    fn is_in(&self, part: &PlainPart) -> bool {
        let person = part.users.is_empty() || self.people().iter().any(|u| part.users.contains(u));
        let place = part.rooms.is_empty() || self.places().any(|r| part.rooms.contains(&r));
        let last = match self.0.in_use {
            PlainUse::Current | PlainUse::Past => LAST_DAY,
            _ => self.birthday(),
        };
        let in_time = |day: u64| {
            part.from.is_none_or(|from| day >= from) && part.until.is_none_or(|end| day < end)
        };
        person && place && (self.0.received..=last).any(in_time)
    }

    fn places(&self) -> impl Iterator<Item = u64> {
        self.0.room.iter().chain(&self.0.shown_in).copied()
    }

    fn people(&self) -> Vec<u64> {
        [self.0.owner, self.0.other].into_iter().flatten().collect()
    }

    /// The day from which its age counts.
    fn birthday(&self) -> u64 {
        let mut birthday = self.0.received;
        if let PlainReferences::Latest(day) = self.0.references
            && !matches!(self.0.in_use, PlainUse::Ended(_) | PlainUse::Past)
        {
            birthday = birthday.max(day);
        }
        if let PlainUse::Ended(day) = self.0.in_use {
            birthday = birthday.max(day);
        }
        birthday
    }

    fn speaks_of(&self, policy: &PlainPolicy, people: &[u64], in_all: bool) -> bool {
        let mut speaks = policy.kinds.contains(&self.0.kind);
        if !policy.rooms.is_empty() {
            let places = self.places().count();
            let within = self.places().filter(|room| policy.rooms.contains(room)).count();
            speaks &= within > 0 && (within == places || !in_all);
        }
        if !policy.users.is_empty() {
            speaks &= people.iter().any(|user| policy.users.contains(user));
        }
        speaks
    }

    /// A floor has not ended.
    fn must_be_kept(&self, day: u64) -> bool {
        self.0.policies.iter().any(|policy| {
            policy.least.is_some_and(|least| day < self.birthday() + least)
                && self.speaks_of(policy, &self.people(), false)
        })
    }

    /// A ceiling of the policies is reached, or nobody needs it any more.
    fn is_too_old(&self, day: u64) -> bool {
        let owner: Vec<u64> = self.0.owner.into_iter().collect();
        let by_policy = self.0.in_use != PlainUse::Current
            && self.0.policies.iter().any(|policy| {
                policy.most.is_some_and(|most| day >= self.birthday() + most)
                    && self.speaks_of(policy, &owner, true)
            });
        let not_needed = match (self.0.in_use, self.0.references, self.0.kind) {
            (PlainUse::Ended(end), _, TO_DEVICE | ACCOUNT) => day >= end.max(self.0.received),
            (PlainUse::Past, _, TO_DEVICE | ACCOUNT) => day >= self.0.received,
            (_, PlainReferences::Lost(lost), MEDIA) => day >= lost.max(self.0.received),
            _ => false,
        };
        by_policy || not_needed
    }

    /// What the room asks for is heard.
    fn room_is_heard(&self) -> bool {
        self.0.room_shortest.is_some()
            && self.0.kind == MESSAGES
            && self.0.room.is_some()
            && self.0.in_use != PlainUse::Current
    }

    fn is_over(&self, day: u64) -> bool {
        let mut over = self.is_too_old(day);
        if self.room_is_heard() {
            if let Some(max) = self.0.room_max {
                let shortest = self.0.room_shortest.unwrap();
                over |= day >= self.birthday() + max.max(shortest);
            }
            if let Some(min) = self.0.room_min
                && !self.is_too_old(day)
            {
                over &= day >= self.birthday() + min;
            }
        }
        over && !self.must_be_kept(day)
    }

    fn original_is_over(&self, day: u64) -> bool {
        match (self.0.redacted, self.0.redaction_keep) {
            (Some(redacted), Some(keep)) => {
                day >= redacted.max(self.0.received) + keep && !self.must_be_kept(day)
            }
            _ => false,
        }
    }

    fn is_erased(&self, day: u64) -> bool {
        self.0.personal
            && self.0.erasures.iter().any(|(user, at)| {
                self.0.owner == Some(*user) && self.0.received <= *at && day >= *at
            })
    }
}
