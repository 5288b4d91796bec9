//! Samples of the facts of policies, holds and erasure.

use std::collections::BTreeMap;

use facts::{
    Fact, LogPosition, StreamId, Timestamp,
    fact::{
        Act, CustodiansNotified, DestroyedRecords, DestructionRunEnded, ErasureEnd, ErasureEnded,
        ErasureRequested, HoldExtent, HoldPlaced, HoldReleaseRejected, HoldReleaseRequested,
        HoldReleased, HoldWidened, Period, PolicyApplied, PolicyDocument, PolicyRule, RecordKind,
        RedactionRule, RoomRetentionRule, Scope, ShredCause, ShredSurface, Subject, SurfaceOutcome,
        SurfaceReport,
    },
};

use super::{ROOM, USER};

const HOLD: LogPosition = LogPosition(90);
const REQUEST: LogPosition = LogPosition(95);

fn act() -> Act {
    Act {
        user: "@legal:example.org".to_owned(),
        address: Some("192.0.2.1".to_owned()),
        reason: "Doe v. Example".to_owned(),
    }
}

fn scope() -> Scope {
    Scope {
        users: vec![Subject { name: USER.to_owned(), stream: StreamId(3) }],
        rooms: vec![Subject { name: ROOM.to_owned(), stream: StreamId(5) }],
        from: Some(Timestamp(100)),
        until: Some(Timestamp(200)),
    }
}

pub(crate) fn policies() -> Vec<(&'static str, Fact)> {
    let applied = |document| {
        PolicyApplied {
            version: 3,
            text: "# none\n".to_owned(),
            sha256: [8; 32],
            document,
            by: act(),
        }
        .into()
    };
    let floor = PolicyRule {
        records: RecordKind::ALL.into(),
        keep_at_least: Some("6y".parse().expect("a period")),
        locked: true,
        reason: "17a-4".to_owned(),
        ..PolicyRule::default()
    };
    let ceiling = PolicyRule {
        records: [RecordKind::Messages].into(),
        rooms: [ROOM.to_owned()].into(),
        users: [USER.to_owned()].into(),
        keep_at_most: Some(Period::days(30)),
        ..PolicyRule::default()
    };
    vec![
        ("empty", applied(PolicyDocument::default())),
        (
            "whole",
            applied(PolicyDocument {
                policies: BTreeMap::from([
                    ("broker".to_owned(), floor),
                    ("lobby".to_owned(), ceiling),
                ]),
                redaction: Some(RedactionRule { keep: Period::days(30), locked: true }),
                room_retention: Some(RoomRetentionRule { shortest: Period::days(1) }),
            }),
        ),
    ]
}

pub(crate) fn holds() -> Vec<(&'static str, Fact)> {
    let requested = |extent| HoldReleaseRequested { hold: HOLD, extent, by: act() }.into();
    vec![
        (
            "",
            HoldPlaced {
                matter: "Doe v. Example".to_owned(),
                parts: vec![scope(), Scope { rooms: Vec::new(), ..scope() }],
                case: Some(LogPosition(80)),
                by: act(),
            }
            .into(),
        ),
        ("", HoldWidened { hold: HOLD, parts: vec![scope()], by: act() }.into()),
        ("whole", requested(HoldExtent::Whole)),
        ("parts", requested(HoldExtent::Parts([0, 2].into()))),
        ("", HoldReleased { hold: HOLD, request: REQUEST, by: act() }.into()),
        ("", HoldReleaseRejected { hold: HOLD, request: REQUEST, by: act() }.into()),
        ("", CustodiansNotified { hold: HOLD, users: [USER.to_owned()].into(), by: act() }.into()),
    ]
}

pub(crate) fn erasures() -> Vec<(&'static str, Fact)> {
    let ended = |end, by| ErasureEnded { request: REQUEST, end, by }.into();
    vec![
        ("", ErasureRequested { user: USER.to_owned(), by: act() }.into()),
        (
            "executed",
            ended(
                ErasureEnd::Executed {
                    last_order: Some(LogPosition(120)),
                    backups_gone_at: Some(Timestamp(700)),
                },
                None,
            ),
        ),
        ("withdrawn", ended(ErasureEnd::Withdrawn, Some(act()))),
        ("asked", run(Some((LogPosition(118), LogPosition(121))), Some(act()))),
        ("idle", run(None, None)),
    ]
}

fn run(orders: Option<(LogPosition, LogPosition)>, by: Option<Act>) -> Fact {
    let of = |kind, cause| DestroyedRecords { kind, cause, records: 12 };
    let destroyed = vec![
        of(RecordKind::Messages, ShredCause::Retention),
        of(RecordKind::Media, ShredCause::Erasure),
    ];
    let report = |surface, outcome| SurfaceReport { surface, outcome };
    DestructionRunEnded {
        judged_until: LogPosition(117),
        policy_version: 3,
        destroyed: if orders.is_some() { destroyed } else { Vec::new() },
        restricted: 4,
        orders,
        orders_given: orders.map_or(0, |_| 2),
        surfaces: vec![
            report(ShredSurface::Keyring, SurfaceOutcome::Done),
            report(ShredSurface::Folds, SurfaceOutcome::Failed),
        ],
        backups_gone_at: orders.map(|_| Timestamp(700)),
        by,
    }
    .into()
}
