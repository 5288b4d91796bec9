//! The classes into which retention sorts what the log holds.
//!
//! Owns the one-byte numbers of record classes; they stand in every entry header and are never
//! reused. Every stream has one key tree for each class.

/// Class of a part: which tree of its stream seals it, and so what is destroyed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordClass {
    /// What the log says of itself; never destroyed while the log lives.
    Control = 1,
    /// The name of a stream (room id, user id, alias).
    Name = 2,
    /// Redacted form and placement of a state event.
    StateSkeleton = 3,
    /// Redacted form and placement of a message event.
    MessageSkeleton = 4,
    /// What redaction would strip of a state event.
    StateContent = 5,
    /// What redaction would strip of a message event.
    MessageContent = 6,
    /// Accounts and profiles.
    Account = 7,
    /// Password and token hashes; superseded ones die one leaf each.
    Credential = 8,
    /// Devices.
    Device = 9,
    /// Account data, tags, filters, push rules.
    AccountData = 10,
    /// Read receipts.
    Receipt = 11,
    /// Public end-to-end encryption keys.
    E2eeKey = 12,
    /// Server-side key backups.
    KeyBackup = 13,
    /// Messages to single devices.
    ToDevice = 14,
    /// Media descriptions and blob keys.
    Media = 15,
    /// The audit trail.
    Audit = 16,
    /// Stripped state of invites and knocks.
    InviteState = 17,
    /// Received PDUs that were rejected or never placed.
    Unplaced = 18,
    /// Keys and device lists of other servers.
    Peer = 19,
    /// Roles, cases, policies and holds; never expires.
    Governance = 20,
}

impl RecordClass {
    /// All classes, in order of their numbers.
    pub const ALL: [Self; 20] = [
        Self::Control,
        Self::Name,
        Self::StateSkeleton,
        Self::MessageSkeleton,
        Self::StateContent,
        Self::MessageContent,
        Self::Account,
        Self::Credential,
        Self::Device,
        Self::AccountData,
        Self::Receipt,
        Self::E2eeKey,
        Self::KeyBackup,
        Self::ToDevice,
        Self::Media,
        Self::Audit,
        Self::InviteState,
        Self::Unplaced,
        Self::Peer,
        Self::Governance,
    ];

    /// The number on disk.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The class of a number on disk; `None` for one that this version does not know.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_round_trip() {
        for (i, class) in RecordClass::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(class.number()), i + 1);
            assert_eq!(RecordClass::from_number(class.number()), Some(class));
        }
        assert_eq!(RecordClass::from_number(0), None);
    }
}
