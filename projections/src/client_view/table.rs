//! The tables of the client view and what their keys hold.
//!
//! Owns the table numbers; a changed meaning raises [`super::SCHEMA`]. Streams stand for rooms and
//! users in keys; names, types and state keys are copied where lookups need them.

use crate::store::end_of_str;

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $number:literal),+ $(,)?) => {
        /// A table of the client view.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Table {
            $($(#[$doc])* $name = $number),+
        }

        impl From<Table> for u8 {
            fn from(table: Table) -> u8 {
                table as u8
            }
        }
    };
}

tables! {
    /// stream → kind, name
    StreamName = 1,
    /// kind, name → stream
    StreamByName = 2,
    /// event id → position
    EventById = 3,
    /// event position → [`super::rows::EventRow`]
    Event = 4,
    /// event position → [`super::rows::BeforeRow`], only for events out of step
    EventBefore = 5,
    /// room, placement position → event position
    Live = 6,
    /// room, run, index → event position
    Timeline = 7,
    /// room, run, index → ids of missing previous events
    Gap = 8,
    /// room, missing event id, run, index → ()
    MissingPrev = 9,
    /// room, type, state key → event position, change position
    State = 10,
    /// room, change position, ordinal → [`super::rows::ChangeRow`]
    StateLog = 11,
    /// room, type, state key, change position, ordinal → event position, 0 for none
    StateHistory = 12,
    /// user, room → [`super::rows::MemberRow`]
    Member = 13,
    /// room, membership, since, user → member event position
    RoomMember = 14,
    /// user, position, room → old and new membership
    MemberLog = 15,
    /// room → [`super::rows::RoomRow`]
    Room = 16,
    /// user, room → position
    Forgotten = 17,
    /// user, room → position of the stripped state
    InviteState = 18,
    /// position, room → ()
    Moved = 19,
    /// user, room or 0, data type → position, 1 if removed
    AccountData = 20,
    /// user, position → room or 0, data type
    AccountDataLog = 21,
    /// inbox, position → ()
    Inbox = 22,
    /// inbox → user, device id
    InboxOwner = 23,
    /// room, position → user
    DeviceListLog = 24,
    /// user → position of the last device list change
    DeviceList = 25,
    /// user, device → position
    DeviceKeys = 26,
    /// user, device, algorithm, order → key id, position, index
    OneTimeKey = 27,
    /// user, device, key id → order
    OneTimeKeyById = 28,
    /// user, device, algorithm → count
    OneTimeCount = 29,
    /// user, device, algorithm → [`super::rows::FallbackRow`]
    Fallback = 30,
    /// user, usage → position
    CrossSigning = 31,
    /// owner user id, target kind, target, signer, position → ()
    Signature = 32,
    /// user, version → [`super::rows::BackupRow`]
    Backup = 33,
    /// user, version, room id, session id → position, index
    BackupSession = 34,
    /// access hash → [`super::rows::AccessRow`]
    Access = 35,
    /// refresh hash → user, device
    Refresh = 36,
    /// user, device → [`super::rows::TokensRow`]
    Tokens = 37,
    /// user, device → [`super::rows::DeviceRow`]
    Device = 38,
    /// user → [`super::rows::AccountRow`]
    Account = 39,
    /// user, field → position
    Profile = 40,
    /// user, filter id → position
    Filter = 41,
    /// room, user, kind, thread → [`super::rows::ReceiptRow`]
    Receipt = 42,
    /// room, position → user, kind, thread
    ReceiptLog = 43,
    /// room, thread root or "", position (or the largest, for now) → notifications and highlights so far
    NotifyRoom = 44,
    /// user, room, thread root or "", position (or the largest, for now) → what differs for the user so far
    NotifyUser = 45,
    /// room, thread root → last position
    Thread = 46,
    /// room, last position → thread root
    ThreadOrder = 47,
    /// alias → [`super::rows::AliasRow`]
    Alias = 48,
    /// room id, alias → ()
    RoomAlias = 49,
    /// room → position
    Published = 50,
    /// media id → [`super::rows::MediaRow`]
    Media = 51,
    /// room, parent event id, relation type, event type, run, index → event position
    Relation = 52,
    /// target position → [`super::rows::RedactedRow`]
    Redacted = 53,
    /// token hash → [`super::rows::RegistrationTokenRow`]
    RegistrationToken = 54,
    /// room, thread root, user → ()
    ThreadParticipant = 55,
    /// position of a redaction that took effect → target position
    RedactionApplied = 56,
    /// signer, position → owner of the signed key
    SignedByUser = 57,
    /// media id of this server, position of an event or a profile field that refers to it → ()
    MediaReference = 58,
    /// request of an erasure that is under way → user id
    Erasing = 59,
    /// room → the latest placement position of its messages that got stubs
    Stubbed = 60,
    /// room → position of the latest order to erase somebody who is or was in it
    Erased = 61,
}

/// Groups of rows of which `/sync` reads the end, or that are few: see [`crate::store::Grouping`].
pub(crate) fn group(key: &[u8]) -> Option<usize> {
    /// Bytes of a table and a stream.
    const STREAM: usize = 9;
    const TWO_STREAMS: usize = 17;
    const LIVE: u8 = Table::Live as u8;
    const THREAD_ORDER: u8 = Table::ThreadOrder as u8;
    const INBOX: u8 = Table::Inbox as u8;
    const ONE_TIME_COUNT: u8 = Table::OneTimeCount as u8;
    const FALLBACK: u8 = Table::Fallback as u8;
    const NOTIFY_ROOM: u8 = Table::NotifyRoom as u8;
    const NOTIFY_USER: u8 = Table::NotifyUser as u8;
    match *key.first()? {
        LIVE | THREAD_ORDER | INBOX | ONE_TIME_COUNT | FALLBACK => {
            (key.len() >= STREAM).then_some(STREAM)
        }
        NOTIFY_ROOM => end_of_str(key, STREAM),
        NOTIFY_USER => end_of_str(key, TWO_STREAMS),
        _ => None,
    }
}
