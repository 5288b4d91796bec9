//! The registry of facts: every type that the log can hold, with number, version and key rule.
//!
//! Owns the enum [`Fact`], its encoding into parts and its decoding. A number is never reused; a
//! changed shape is a new version with an upcaster in the fact's own `from_parts`, and the stored
//! bytes stay (I6). The table is drawn in `docs/facts.md`, which a test holds against it.
//! Never decides anything.

mod account;
mod audit;
mod destruction;
mod device;
mod e2ee;
mod erasure;
mod export;
mod governance;
mod hold;
mod inbox;
mod log;
mod media;
mod policy;
mod registry;
mod room;
mod server;
mod stream;

use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    account::{
        AccountCreated, AccountDataSet, AccountDeactivated, AccountKind, AdminChanged,
        FilterStored, PasswordSet, ProfileFieldSet, ReceiptKind, ReceiptSet, RoomForgotten,
        ThreadScope,
    },
    audit::{
        AccessKind, AdministrationRecorded, AdministrativeAct, Agent, CLAIMED_NAME_BYTES_MAX,
        ClaimedUser, ContentAccessed, LoginKind, LoginOutcome, LoginRecorded, SessionEnd,
        SessionsEnded, StaffRecord, StaffRecordRead,
    },
    destruction::{DestroyedRecords, DestructionRunEnded, ShredContents},
    device::{
        ClientTxnRecorded, DeviceAdded, DeviceRenamed, DeviceSeen, DevicesRemoved, SessionOpened,
        SessionRefreshed,
    },
    e2ee::{
        BackupKeysDeleted, BackupKeysStored, BackupSession, BackupVersionCreated,
        BackupVersionDeleted, BackupVersionUpdated, CrossSigningKeysSet, DeviceKeysSet,
        FallbackKeyUsed, FallbackKeysSet, NamedKey, OneTimeKeyClaimed, OneTimeKeysAdded,
        SignatureTarget, SignaturesAdded,
    },
    erasure::{ErasureEnd, ErasureEnded, ErasureRequested},
    export::{ExportSealed, ExportStarted},
    governance::{
        Act, CaseApproved, CaseClosed, CaseOpened, CaseRejected, Role, RoleApproved, RoleRejected,
        RoleRequested, RoleRevoked, RolesBootstrapped, RolesRestored, RolesSuspended, Scope,
        Subject,
    },
    hold::{
        CustodiansNotified, HoldExtent, HoldPlaced, HoldReleaseRejected, HoldReleaseRequested,
        HoldReleased, HoldWidened,
    },
    inbox::{ToDeviceAcknowledged, ToDeviceQueued},
    log::{
        ClockConfirmed, ClockJumped, ForkReason, KeyEndorsement, KeyRange, LedgerKeySet, LogForked,
        LogOpened, ShredCause, ShredDone, ShredOrdered, ShredSurface, SurfaceOutcome,
        SurfaceReport,
    },
    media::{MediaReserved, MediaStored},
    policy::{
        DAY_MS, Period, PeriodError, PolicyApplied, PolicyDocument, PolicyRule, RecordKind,
        RedactionRule, RoomRetentionRule, YEAR_DAYS,
    },
    registry::{Fact, KeyRule, PartRule, REGISTRY, RegisteredFact},
    room::{
        AliasRemoved, AliasSet, ClientTxn, InviteStateStored, MessagesStubbed, PduContent,
        PduPlaced, PduRedacted, PduStored, PduStub, Placement, PlacementKind, RejectReason,
        RoomPublished, SoftFailReason, StateBefore, StateChange, TimelinePlace, Verdict,
    },
    server::{RegistrationTokenCreated, RegistrationTokenUsed},
    stream::{StreamKind, StreamOpened},
};
use crate::{ClearPart, Draft, EntryRef, RecordClass, StreamRef};

/// One part of a fact in clear, before it is known whose tree seals it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactPart {
    /// Record class.
    pub class: RecordClass,
    /// True where a person's tree is the second key factor.
    pub personal: bool,
    /// Clear bytes.
    pub bytes: Vec<u8>,
}

/// What every fact can do.
pub trait FactBody: Sized {
    /// Registered number.
    const TYPE: u16;
    /// Version that this code writes.
    const VERSION: u16;

    /// The parts in clear.
    fn to_parts(&self) -> Vec<FactPart>;

    /// Reads any version up to [`Self::VERSION`]. `None` stands for a destroyed part;
    /// `Ok(None)` means that nothing usable is left.
    fn from_parts(version: u16, parts: &[Option<&[u8]>]) -> Result<Option<Self>, FactError>;
}

/// Why an entry's parts are not a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// A type number that this version does not know.
    #[error("fact type {0} is not known to this version")]
    UnknownType(u16),
    /// A version that this version of the program does not know.
    #[error("version {version} of fact type {fact_type} is not known to this version")]
    UnknownVersion {
        /// The fact's type.
        fact_type: u16,
        /// Its version.
        version: u16,
    },
    /// The clear bytes do not have the fact's shape.
    #[error("the clear bytes of fact type {0} do not have its shape")]
    Shape(u16),
}

/// Why a fact cannot become a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fact type {0} holds a personal part, and no person was named")]
pub struct MissingPerson(pub u16);

/// Where a fact goes and who is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Routing {
    /// The stream it belongs to.
    pub stream: StreamRef,
    /// Who acts.
    pub actor: StreamRef,
    /// Whose tree seals its personal part.
    pub person: Option<StreamRef>,
    /// The entry that caused it.
    pub cause: Option<EntryRef>,
}

impl Routing {
    /// The server acts in `stream`.
    pub fn server(stream: impl Into<StreamRef>) -> Self {
        Self { stream: stream.into(), actor: StreamRef::LOG, person: None, cause: None }
    }

    /// A person acts in their own stream.
    pub fn own(stream: impl Into<StreamRef>) -> Self {
        let stream = stream.into();
        Self { stream, actor: stream, person: Some(stream), cause: None }
    }
}

impl Fact {
    /// The fact as a draft for the log.
    pub fn draft(&self, routing: Routing) -> Result<Draft, MissingPerson> {
        let parts = self
            .to_parts()
            .into_iter()
            .map(|part| match (part.personal, routing.person) {
                (true, None) => Err(MissingPerson(self.fact_type())),
                (true, person) => Ok(ClearPart { class: part.class, person, bytes: part.bytes }),
                (false, _) => Ok(ClearPart { class: part.class, person: None, bytes: part.bytes }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Draft {
            stream: routing.stream,
            actor: routing.actor,
            cause: routing.cause,
            fact_type: self.fact_type(),
            fact_version: self.version(),
            parts,
        })
    }
}

/// CBOR of a value of this crate; such values always encode.
pub(crate) fn to_cbor<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    ciborium::into_writer(value, &mut out).expect("writing CBOR to memory cannot fail");
    out
}

/// Reads one CBOR value that fills `bytes` entirely.
pub(crate) fn from_cbor<T: DeserializeOwned>(fact_type: u16, bytes: &[u8]) -> Result<T, FactError> {
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, 32)
        .map_err(|_| FactError::Shape(fact_type))?;
    if rest.is_empty() { Ok(value) } else { Err(FactError::Shape(fact_type)) }
}

/// The usual fact: one part, the CBOR of the struct, version 1.
macro_rules! one_part_fact {
    ($name:ident = $number:literal, $class:ident, personal: $personal:literal) => {
        impl $crate::fact::FactBody for $name {
            const TYPE: u16 = $number;
            const VERSION: u16 = 1;

            fn to_parts(&self) -> Vec<$crate::fact::FactPart> {
                vec![$crate::fact::FactPart {
                    class: $crate::RecordClass::$class,
                    personal: $personal,
                    bytes: $crate::fact::to_cbor(self),
                }]
            }

            fn from_parts(
                version: u16,
                parts: &[Option<&[u8]>],
            ) -> Result<Option<Self>, $crate::fact::FactError> {
                if version != Self::VERSION {
                    return Err($crate::fact::FactError::UnknownVersion {
                        fact_type: Self::TYPE,
                        version,
                    });
                }
                match parts {
                    [Some(bytes)] => $crate::fact::from_cbor(Self::TYPE, bytes).map(Some),
                    [None] => Ok(None),
                    _ => Err($crate::fact::FactError::Shape(Self::TYPE)),
                }
            }
        }
    };
}
pub(crate) use one_part_fact;
