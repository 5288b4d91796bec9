//! One sample of every fact, and more where a shape has several forms.

#[path = "audit_samples.rs"]
mod audit;
#[path = "governance_samples.rs"]
mod governance;
#[path = "policy_samples.rs"]
mod policy;

use facts::{
    EntryRef, Fact, KeyEpoch, LogId, LogPosition, Timestamp,
    fact::{
        AccountCreated, AccountDataSet, AccountDeactivated, AccountKind, AdminChanged,
        AliasRemoved, AliasSet, BackupKeysDeleted, BackupKeysStored, BackupSession,
        BackupVersionCreated, BackupVersionDeleted, BackupVersionUpdated, ClientTxn,
        ClientTxnRecorded, ClockConfirmed, ClockJumped, CrossSigningKeysSet, DestroyedRecords,
        DeviceAdded, DeviceKeysSet, DeviceRenamed, DeviceSeen, DevicesRemoved, FallbackKeyUsed,
        FallbackKeysSet, FilterStored, ForkReason, InviteStateStored, KeyEndorsement, KeyRange,
        LedgerKeySet, LogForked, LogOpened, MediaReserved, MediaStored, MessagesStubbed, NamedKey,
        OneTimeKeyClaimed, OneTimeKeysAdded, PasswordSet, PduContent, PduPlaced, PduRedacted,
        PduStored, PduStub, Placement, PlacementKind, ProfileFieldSet, ReceiptKind, ReceiptSet,
        RecordKind, RegistrationTokenCreated, RegistrationTokenUsed, RejectReason, RoomForgotten,
        RoomPublished, SessionOpened, SessionRefreshed, ShredCause, ShredContents, ShredDone,
        ShredOrdered, ShredSurface, SignatureTarget, SignaturesAdded, SoftFailReason, StateBefore,
        StateChange, StreamKind, StreamOpened, SurfaceOutcome, SurfaceReport, ThreadScope,
        TimelinePlace, ToDeviceAcknowledged, ToDeviceQueued, Verdict,
    },
};

const ROOM: &str = "!room:example.org";
const USER: &str = "@alice:example.org";
const DEVICE: &str = "DEVICE";
const KEY_NAME: &str = "example.org/chancery/07070707070707070707070707070707/1";
const JSON: &[u8] = br#"{"a":1}"#;

fn device() -> String {
    DEVICE.to_owned()
}

fn json() -> Vec<u8> {
    JSON.to_vec()
}

/// Every sample with a name for its case; empty where a fact has one form only.
pub(crate) fn all() -> Vec<(&'static str, Fact)> {
    let mut all = log();
    all.extend(streams());
    all.extend(pdus());
    all.extend(rooms());
    all.extend(accounts());
    all.extend(devices());
    all.extend(inboxes_and_media());
    all.extend(keys());
    all.extend(backups());
    all.extend(governance::roles());
    all.extend(governance::cases());
    all.extend(governance::accesses());
    all.extend(audit::logins());
    all.extend(audit::sessions());
    all.extend(audit::administration());
    all.extend(audit::exports());
    all.extend(policy::policies());
    all.extend(policy::holds());
    all.extend(policy::erasures());
    all
}

fn log() -> Vec<(&'static str, Fact)> {
    let range = KeyRange {
        epoch_first: KeyEpoch(1),
        epoch_last: KeyEpoch(2),
        tree: 7,
        leaf_first: 0,
        leaf_last: 99,
    };
    vec![
        (
            "",
            LogOpened { log_id: LogId([7; 16]), server_name: "example.org".to_owned(), format: 1 }
                .into(),
        ),
        (
            "",
            LogForked {
                old_head: LogPosition(41),
                old_digest: [9; 32],
                reason: ForkReason::Restore,
            }
            .into(),
        ),
        ("", ShredOrdered { ranges: vec![range], cause: ShredCause::Erasure }.into()),
        (
            "",
            ShredContents {
                order: EntryRef::InBatch(0),
                records: vec![DestroyedRecords {
                    kind: RecordKind::Media,
                    cause: ShredCause::Erasure,
                    records: 2,
                }],
                files: vec!["0123456789abcdef0123456789abcdef".to_owned()],
            }
            .into(),
        ),
        (
            "",
            ShredDone {
                order: LogPosition(50),
                reports: vec![SurfaceReport {
                    surface: ShredSurface::Keyring,
                    outcome: SurfaceOutcome::Done,
                }],
            }
            .into(),
        ),
        ("", ClockJumped { from: Timestamp(1), to: Timestamp(4_000_000) }.into()),
        ("", ClockConfirmed { jump: LogPosition(60) }.into()),
        ("first", ledger_key(None).into()),
        (
            "rotated",
            ledger_key(Some(KeyEndorsement {
                key_name: KEY_NAME.to_owned(),
                public_key: [4; 32],
                signature: [6; 64],
            }))
            .into(),
        ),
    ]
}

fn ledger_key(endorsement: Option<KeyEndorsement>) -> LedgerKeySet {
    LedgerKeySet { key_name: KEY_NAME.to_owned(), public_key: [5; 32], endorsement }
}

fn streams() -> Vec<(&'static str, Fact)> {
    vec![
        ("room", StreamOpened { kind: StreamKind::Room, name: ROOM.to_owned() }.into()),
        (
            "governance",
            StreamOpened { kind: StreamKind::Governance, name: "example.org".to_owned() }.into(),
        ),
        ("audit", StreamOpened { kind: StreamKind::Audit, name: "example.org".to_owned() }.into()),
        ("user", StreamOpened { kind: StreamKind::User, name: USER.to_owned() }.into()),
        ("", RegistrationTokenUsed { token_hash: [3; 32] }.into()),
        (
            "",
            RegistrationTokenCreated {
                token_hash: [3; 32],
                uses_allowed: Some(1),
                expires_at: None,
                makes_admin: true,
            }
            .into(),
        ),
    ]
}

fn stored(is_state: bool, event_type: &str, placement: Option<Placement>) -> Fact {
    PduStored {
        event_id: "$event".to_owned(),
        is_state,
        redacted: format!(r#"{{"content":{{}},"sender":"{USER}","type":"{event_type}"}}"#)
            .into_bytes(),
        residue: is_state.then(|| br#"{"content":{"invite":50}}"#.to_vec()),
        placement,
        content: Some(PduContent {
            rest: br#"{"content":{"body":"hello"},"org.chancery.salt":"AAAA"}"#.to_vec(),
            whole: false,
            txn: (!is_state).then(|| ClientTxn {
                device_id: device(),
                endpoint: "send_message_event".to_owned(),
                txn_id: "m1".to_owned(),
            }),
        }),
    }
    .into()
}

fn live() -> Placement {
    Placement {
        verdict: Verdict::Accept,
        kind: PlacementKind::Live,
        before: StateBefore::AfterPrev,
        changes: Vec::new(),
        extremities: None,
        timeline: Some(TimelinePlace(0, 12)),
    }
}

fn placed(placement: Placement) -> Fact {
    PduPlaced { pdu: EntryRef::At(LogPosition(70)), placement }.into()
}

fn pdus() -> Vec<(&'static str, Fact)> {
    let change = StateChange(
        "m.room.name".to_owned(),
        String::new(),
        Some(EntryRef::At(LogPosition(60))),
        Some(EntryRef::InBatch(0)),
    );
    let base = |full| StateBefore::Base {
        at: EntryRef::At(LogPosition(55)),
        delta: vec![change.clone()],
        full,
    };
    let with_change = Placement { changes: vec![change.clone()], ..live() };
    vec![
        ("message", stored(false, "m.room.message", Some(live()))),
        ("state", stored(true, "m.room.power_levels", Some(with_change))),
        ("member", stored(true, "m.room.member", Some(live()))),
        ("unplaced", stored(false, "m.room.message", None)),
        (
            "merge",
            placed(Placement {
                before: base(true),
                extremities: Some(vec![EntryRef::At(LogPosition(70)), LogPosition(68).into()]),
                ..live()
            }),
        ),
        (
            "historic",
            placed(Placement {
                kind: PlacementKind::Historic,
                before: base(true),
                extremities: Some(vec![LogPosition(90).into()]),
                timeline: Some(TimelinePlace(-3, 5)),
                ..live()
            }),
        ),
        (
            "outlier",
            placed(Placement {
                kind: PlacementKind::Outlier,
                before: StateBefore::Unknown,
                extremities: Some(vec![LogPosition(90).into()]),
                timeline: None,
                ..live()
            }),
        ),
        ("partial", placed(Placement { before: base(false), ..live() })),
        (
            "soft_failed",
            placed(Placement {
                verdict: Verdict::SoftFail(SoftFailReason::CurrentState),
                extremities: Some(vec![LogPosition(69).into()]),
                timeline: None,
                ..live()
            }),
        ),
        (
            "rejected",
            placed(Placement {
                verdict: Verdict::Reject(RejectReason::AuthEvents),
                extremities: Some(vec![LogPosition(69).into()]),
                timeline: None,
                ..live()
            }),
        ),
    ]
}

/// One that was placed where it was stored, in room versions 3 and later, and one that was not.
fn stubs() -> MessagesStubbed {
    let stub = |pdu, event_id: &str, placement| PduStub {
        pdu: LogPosition(pdu),
        event_id: event_id.to_owned(),
        prev_events: vec!["$before".to_owned()],
        depth: 7,
        placement,
    };
    MessagesStubbed { stubs: vec![stub(70, "$one", Some(live())), stub(300, "$two:a.org", None)] }
}

fn rooms() -> Vec<(&'static str, Fact)> {
    vec![
        ("", PduRedacted { target: LogPosition(70).into(), by: EntryRef::InBatch(0) }.into()),
        (
            "",
            InviteStateStored {
                room: ROOM.to_owned(),
                events: vec![serde_bytes::ByteBuf::from(json())],
            }
            .into(),
        ),
        ("", RoomPublished { public: true }.into()),
        ("", stubs().into()),
        ("", AliasSet { room: ROOM.to_owned(), creator: USER.to_owned() }.into()),
        ("", AliasRemoved {}.into()),
    ]
}

fn accounts() -> Vec<(&'static str, Fact)> {
    vec![
        ("", AccountCreated { kind: AccountKind::User, admin: true }.into()),
        ("", AdminChanged { admin: false }.into()),
        ("", PasswordSet { hash: "$argon2id$v=19$m=1,t=1,p=1$AA$BB".to_owned() }.into()),
        ("", AccountDeactivated { erase: true }.into()),
        (
            "set",
            ProfileFieldSet {
                field: "displayname".to_owned(),
                value: Some(br#""Alice""#.to_vec()),
            }
            .into(),
        ),
        ("removed", ProfileFieldSet { field: "m.tz".to_owned(), value: None }.into()),
        (
            "global",
            AccountDataSet { room: None, data_type: "m.direct".to_owned(), content: Some(json()) }
                .into(),
        ),
        (
            "room",
            AccountDataSet {
                room: Some(ROOM.to_owned()),
                data_type: "m.tag".to_owned(),
                content: None,
            }
            .into(),
        ),
        ("", FilterStored { filter_id: "1".to_owned(), filter: json() }.into()),
        ("main", receipt(ReceiptKind::Read, ThreadScope::Main)),
        ("unthreaded", receipt(ReceiptKind::ReadPrivate, ThreadScope::Unthreaded)),
        ("thread", receipt(ReceiptKind::Read, ThreadScope::Thread("$root".to_owned()))),
        ("", RoomForgotten { room: ROOM.to_owned() }.into()),
    ]
}

fn receipt(kind: ReceiptKind, thread: ThreadScope) -> Fact {
    ReceiptSet {
        room: ROOM.to_owned(),
        event_id: "$event".to_owned(),
        kind,
        thread,
        at: Timestamp(1_790_000_000_000),
    }
    .into()
}

fn devices() -> Vec<(&'static str, Fact)> {
    vec![
        ("", DeviceAdded { device_id: device(), display_name: Some("Laptop".to_owned()) }.into()),
        ("", DeviceRenamed { device_id: device(), display_name: None }.into()),
        ("", DevicesRemoved { device_ids: vec![device()] }.into()),
        (
            "",
            SessionOpened {
                device_id: device(),
                access_hash: [1; 32],
                access_expires_at: None,
                refresh_hash: None,
            }
            .into(),
        ),
        (
            "expiring",
            SessionOpened {
                device_id: device(),
                access_hash: [1; 32],
                access_expires_at: Some(Timestamp(9)),
                refresh_hash: Some([2; 32]),
            }
            .into(),
        ),
        (
            "",
            SessionRefreshed {
                device_id: device(),
                used_refresh_hash: [2; 32],
                access_hash: [4; 32],
                access_expires_at: Some(Timestamp(10)),
                refresh_hash: [5; 32],
            }
            .into(),
        ),
        (
            "",
            DeviceSeen {
                device_id: device(),
                at: Timestamp(8),
                address: Some("192.0.2.1".to_owned()),
            }
            .into(),
        ),
        (
            "",
            ClientTxnRecorded {
                device_id: device(),
                endpoint: "send_event_to_device".to_owned(),
                txn_id: "t1".to_owned(),
            }
            .into(),
        ),
    ]
}

fn inboxes_and_media() -> Vec<(&'static str, Fact)> {
    vec![
        (
            "",
            ToDeviceQueued {
                sender: USER.to_owned(),
                event_type: "m.room_key_request".to_owned(),
                content: json(),
            }
            .into(),
        ),
        ("", ToDeviceAcknowledged { through: LogPosition(77) }.into()),
        ("", MediaReserved { media_id: "abc".to_owned(), expires_at: Timestamp(11) }.into()),
        (
            "",
            MediaStored {
                media_id: "abc".to_owned(),
                blob: "0f".to_owned(),
                blob_key: [6; 32],
                bytes: 12,
                sha256: [8; 32],
                content_type: Some("image/png".to_owned()),
                file_name: None,
            }
            .into(),
        ),
    ]
}

fn keys() -> Vec<(&'static str, Fact)> {
    let key = || NamedKey { id: "signed_curve25519:A".to_owned(), key: json() };
    let key_id = || "signed_curve25519:A".to_owned();
    vec![
        ("", DeviceKeysSet { device_id: device(), keys: json() }.into()),
        ("", OneTimeKeysAdded { device_id: device(), keys: vec![key()] }.into()),
        ("", OneTimeKeyClaimed { device_id: device(), key_id: key_id() }.into()),
        ("", FallbackKeysSet { device_id: device(), keys: vec![key()] }.into()),
        ("", FallbackKeyUsed { device_id: device(), key_id: key_id() }.into()),
        (
            "",
            CrossSigningKeysSet { master: Some(json()), self_signing: None, user_signing: None }
                .into(),
        ),
        (
            "device",
            SignaturesAdded {
                user_id: USER.to_owned(),
                target: SignatureTarget::Device(device()),
                signatures: json(),
            }
            .into(),
        ),
        (
            "cross_signing",
            SignaturesAdded {
                user_id: USER.to_owned(),
                target: SignatureTarget::CrossSigning("AAAA".to_owned()),
                signatures: json(),
            }
            .into(),
        ),
    ]
}

fn backups() -> Vec<(&'static str, Fact)> {
    vec![
        (
            "",
            BackupVersionCreated {
                version: 1,
                algorithm: "m.megolm_backup.v1.curve25519-aes-sha2".to_owned(),
                auth_data: json(),
            }
            .into(),
        ),
        ("", BackupVersionUpdated { version: 1, auth_data: json() }.into()),
        ("", BackupVersionDeleted { version: 1 }.into()),
        (
            "",
            BackupKeysStored {
                version: 1,
                sessions: vec![BackupSession {
                    room: ROOM.to_owned(),
                    session_id: "s".to_owned(),
                    data: json(),
                }],
            }
            .into(),
        ),
        (
            "",
            BackupKeysDeleted { version: 1, room: Some(ROOM.to_owned()), session_id: None }.into(),
        ),
    ]
}
