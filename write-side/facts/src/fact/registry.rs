//! The table of all facts.
//!
//! Owns the enum [`Fact`] and [`REGISTRY`]: for each part of each fact its class, its key rule and
//! whether it can hold a person's text. A fact that is not listed here cannot be appended or read.

use super::{
    AccountCreated, AccountDataSet, AccountDeactivated, AdminChanged, AdministrationRecorded,
    AliasRemoved, AliasSet, BackupKeysDeleted, BackupKeysStored, BackupVersionCreated,
    BackupVersionDeleted, BackupVersionUpdated, CaseApproved, CaseClosed, CaseOpened, CaseRejected,
    ClientTxnRecorded, ClockConfirmed, ClockJumped, ContentAccessed, CrossSigningKeysSet,
    CustodiansNotified, DestructionRunEnded, DeviceAdded, DeviceKeysSet, DeviceRenamed, DeviceSeen,
    DevicesRemoved, ErasureEnded, ErasureRequested, ExportSealed, ExportStarted, FactBody,
    FactError, FactPart, FallbackKeyUsed, FallbackKeysSet, FilterStored, HoldPlaced,
    HoldReleaseRejected, HoldReleaseRequested, HoldReleased, HoldWidened, InviteStateStored,
    LedgerKeySet, LogForked, LogOpened, LoginRecorded, MediaReserved, MediaStored, MessagesStubbed,
    OneTimeKeyClaimed, OneTimeKeysAdded, PasswordSet, PduPlaced, PduRedacted, PduStored, PduStub,
    PolicyApplied, ProfileFieldSet, ReceiptSet, RegistrationTokenCreated, RegistrationTokenUsed,
    RoleApproved, RoleRejected, RoleRequested, RoleRevoked, RolesBootstrapped, RolesRestored,
    RolesSuspended, RoomForgotten, RoomPublished, SessionOpened, SessionRefreshed, SessionsEnded,
    ShredContents, ShredDone, ShredOrdered, SignaturesAdded, StaffRecordRead, StreamOpened,
    ToDeviceAcknowledged, ToDeviceQueued,
};
use crate::RecordClass;

/// Whose key is the second factor of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// The stream's tree alone.
    StreamOnly,
    /// The tree of the stream's owner.
    Owner,
    /// The recipient of a message to a device.
    Recipient,
    /// The member (state key) for `m.room.member`; nobody for other state.
    MemberOrNone,
    /// The sender.
    Sender,
}

/// How one part of a fact is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartRule {
    /// Classes that the part can have.
    pub classes: &'static [RecordClass],
    /// Whose key is the second factor.
    pub key: KeyRule,
    /// Whether it can hold text that a person wrote.
    pub text: bool,
}

/// A line of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisteredFact {
    /// Number on disk.
    pub number: u16,
    /// Name in code.
    pub name: &'static str,
    /// Version that is written.
    pub version: u16,
    /// Its parts, in order.
    pub parts: &'static [PartRule],
}

macro_rules! registry {
    ($($name:ident [$($class:ident $(| $more:ident)* / $key:ident / $text:literal),+]),+ $(,)?) => {
        /// Anything that the log can hold.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Fact {
            $(
                #[doc = concat!("See [`", stringify!($name), "`].")]
                $name($name),
            )+
            /// A [`PduStored`] entry of which only a stub is left. Read, and never written: its
            /// bytes stand in a [`MessagesStubbed`] entry.
            PduStub(PduStub),
        }

        /// Every fact, in order of numbers.
        pub const REGISTRY: &[RegisteredFact] = &[$(RegisteredFact {
            number: <$name as FactBody>::TYPE,
            name: stringify!($name),
            version: <$name as FactBody>::VERSION,
            parts: &[$(PartRule {
                classes: &[RecordClass::$class $(, RecordClass::$more)*],
                key: KeyRule::$key,
                text: $text,
            }),+],
        }),+];

        impl Fact {
            /// Registered number.
            pub fn fact_type(&self) -> u16 {
                match self {
                    $(Self::$name(_) => <$name as FactBody>::TYPE,)+
                    Self::PduStub(_) => <PduStored as FactBody>::TYPE,
                }
            }

            /// Version that is written.
            pub fn version(&self) -> u16 {
                match self {
                    $(Self::$name(_) => <$name as FactBody>::VERSION,)+
                    Self::PduStub(_) => <PduStored as FactBody>::VERSION,
                }
            }

            /// The parts in clear; none for a stub, which no entry of its own holds.
            pub fn to_parts(&self) -> Vec<FactPart> {
                match self {
                    $(Self::$name(fact) => fact.to_parts(),)+
                    Self::PduStub(_) => Vec::new(),
                }
            }

            /// Reads a fact; `Ok(None)` where its keys are destroyed.
            pub fn from_parts(
                fact_type: u16,
                version: u16,
                parts: &[Option<&[u8]>],
            ) -> Result<Option<Self>, FactError> {
                match fact_type {
                    $(<$name as FactBody>::TYPE => {
                        Ok(<$name as FactBody>::from_parts(version, parts)?.map(Self::$name))
                    })+
                    unknown => Err(FactError::UnknownType(unknown)),
                }
            }
        }

        $(impl From<$name> for Fact {
            fn from(fact: $name) -> Self {
                Self::$name(fact)
            }
        })+
    };
}

registry! {
    LogOpened [Control / StreamOnly / false],
    LogForked [Control / StreamOnly / false],
    ShredOrdered [Control / StreamOnly / false],
    ShredDone [Control / StreamOnly / false],
    ClockJumped [Control / StreamOnly / false],
    ClockConfirmed [Control / StreamOnly / false],
    LedgerKeySet [Control / StreamOnly / false],
    StreamOpened [Name / StreamOnly / true, Account / Owner / false],
    ShredContents [Control / StreamOnly / false],
    PduStored [
        StateSkeleton | MessageSkeleton / StreamOnly / true,
        StateContent | MessageContent / MemberOrNone / true
    ],
    PduPlaced [StateSkeleton / StreamOnly / false],
    PduRedacted [StateSkeleton / StreamOnly / false],
    InviteStateStored [InviteState / Owner / true],
    RoomPublished [StateSkeleton / StreamOnly / false],
    MessagesStubbed [StateSkeleton / StreamOnly / false],
    AliasSet [StateContent / StreamOnly / true],
    AliasRemoved [StateContent / StreamOnly / false],
    AccountCreated [Account / Owner / false],
    AdminChanged [Account / Owner / false],
    PasswordSet [Credential / Owner / false],
    AccountDeactivated [Account / Owner / false],
    ProfileFieldSet [Account / Owner / true],
    AccountDataSet [AccountData / Owner / true],
    FilterStored [AccountData / Owner / true],
    ReceiptSet [Receipt / Owner / false],
    RoomForgotten [AccountData / Owner / false],
    DeviceAdded [Device / Owner / true],
    DeviceRenamed [Device / Owner / true],
    DevicesRemoved [Device / Owner / false],
    SessionOpened [Credential / Owner / false],
    SessionRefreshed [Credential / Owner / false],
    DeviceSeen [Device / Owner / false],
    ClientTxnRecorded [Device / Owner / false],
    DeviceKeysSet [E2eeKey / Owner / true],
    OneTimeKeysAdded [E2eeKey / Owner / false],
    OneTimeKeyClaimed [E2eeKey / Owner / false],
    FallbackKeysSet [E2eeKey / Owner / false],
    FallbackKeyUsed [E2eeKey / Owner / false],
    CrossSigningKeysSet [E2eeKey / Owner / false],
    SignaturesAdded [E2eeKey / Owner / false],
    BackupVersionCreated [KeyBackup / Owner / false],
    BackupVersionUpdated [KeyBackup / Owner / false],
    BackupVersionDeleted [KeyBackup / Owner / false],
    BackupKeysStored [KeyBackup / Owner / false],
    BackupKeysDeleted [KeyBackup / Owner / false],
    ToDeviceQueued [ToDevice / Recipient / true],
    ToDeviceAcknowledged [Control / StreamOnly / false],
    MediaReserved [Media / Owner / false],
    MediaStored [Media / Owner / true],
    RegistrationTokenCreated [Credential / StreamOnly / false],
    RegistrationTokenUsed [Credential / StreamOnly / false],
    RolesBootstrapped [Governance / StreamOnly / false],
    RoleRequested [Governance / StreamOnly / true],
    RoleApproved [Governance / StreamOnly / true],
    RoleRejected [Governance / StreamOnly / true],
    RoleRevoked [Governance / StreamOnly / true],
    RolesSuspended [Governance / StreamOnly / false],
    RolesRestored [Governance / StreamOnly / true],
    CaseOpened [Governance / StreamOnly / true],
    CaseApproved [Governance / StreamOnly / true],
    CaseRejected [Governance / StreamOnly / true],
    CaseClosed [Governance / StreamOnly / true],
    PolicyApplied [Governance / StreamOnly / true],
    HoldPlaced [Governance / StreamOnly / true],
    HoldWidened [Governance / StreamOnly / true],
    HoldReleaseRequested [Governance / StreamOnly / true],
    HoldReleased [Governance / StreamOnly / true],
    HoldReleaseRejected [Governance / StreamOnly / true],
    CustodiansNotified [Governance / StreamOnly / true],
    ErasureRequested [Governance / StreamOnly / true],
    ErasureEnded [Governance / StreamOnly / true],
    DestructionRunEnded [Governance / StreamOnly / true],
    ContentAccessed [Audit / StreamOnly / false],
    StaffRecordRead [Audit / StreamOnly / false],
    LoginRecorded [Audit / StreamOnly / true],
    SessionsEnded [Audit / StreamOnly / false],
    AdministrationRecorded [Audit / StreamOnly / true],
    ExportStarted [Audit / StreamOnly / false],
    ExportSealed [Audit / StreamOnly / false],
}
