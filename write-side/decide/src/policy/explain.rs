//! A record's fate with its reasons.
//!
//! Owns what `policy explain` and `policy plan` show. It runs the very function that hides and
//! destroys, and only listens to it.

use std::fmt;

use facts::Timestamp;

use super::{Extent, Fate, Ground, Record, Rules, fate::weigh, ground::Utc};

/// A fate, every rule that spoke, and the one that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'a> {
    /// What becomes of the record.
    pub fate: Fate,
    /// The rule that decided: what ends the record, what will, or what keeps it.
    pub decided_by: Ground<'a>,
    /// Every rule that spoke, `decided_by` among them.
    pub grounds: Vec<Ground<'a>>,
}

/// What becomes of a record at `now`, and why.
pub fn explain<'a>(record: &Record<'a>, rules: &Rules<'a>, now: Timestamp) -> Explanation<'a> {
    let holds = rules.holds.covering(record);
    let mut grounds: Vec<Ground<'a>> =
        holds.into_iter().map(|(hold, matter)| Ground::Hold { hold, matter }).collect();
    let (fate, decided_by) = weigh(record, rules, now, &mut |ground| grounds.push(ground));
    if !grounds.contains(&decided_by) {
        grounds.push(decided_by);
    }
    Explanation { fate, decided_by, grounds }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep { until: None } => f.write_str("kept, without an end"),
            Self::Keep { until: Some(until) } => write!(f, "kept until {}", Utc(*until)),
            Self::Restricted { extent, since, until } => {
                write!(f, "{extent} restricted since {}: not shown, ", Utc(*since))?;
                match until {
                    None => f.write_str("and kept as long as it is held"),
                    Some(until) => write!(f, "and kept until {}", Utc(*until)),
                }
            }
            Self::Destroy { extent, since } => {
                write!(f, "{extent} to be destroyed since {}", Utc(*since))
            }
        }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Content => "its content is",
            Self::Whole => "all of it is",
        })
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\ndecided by: {}", self.fate, self.decided_by)?;
        for ground in self.grounds.iter().filter(|ground| **ground != self.decided_by) {
            write!(f, "\nalso: {ground}")?;
        }
        Ok(())
    }
}
