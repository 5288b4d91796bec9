//! Samples of the facts of governance and of the audit trail.

use facts::{
    Fact, LogPosition, StreamId, Timestamp,
    fact::{
        AccessKind, Act, CaseApproved, CaseClosed, CaseOpened, CaseRejected, ContentAccessed, Role,
        RoleApproved, RoleRejected, RoleRequested, RoleRevoked, RolesBootstrapped, RolesRestored,
        RolesSuspended, Scope, StaffRecord, StaffRecordRead, Subject,
    },
};

use super::{ROOM, USER};

const OFFICER: &str = "@officer:example.org";
const CASE: LogPosition = LogPosition(80);

fn act() -> Act {
    Act {
        user: OFFICER.to_owned(),
        address: Some("192.0.2.1".to_owned()),
        reason: "inquiry 7".to_owned(),
    }
}

fn subject(name: &str, stream: u64) -> Subject {
    Subject { name: name.to_owned(), stream: StreamId(stream) }
}

pub(crate) fn roles() -> Vec<(&'static str, Fact)> {
    let requested = |role| RoleRequested { role, grantee: USER.to_owned(), by: act() }.into();
    vec![
        ("", RolesBootstrapped { officers: vec![OFFICER.to_owned(), USER.to_owned()] }.into()),
        ("compliance_officer", requested(Role::ComplianceOfficer)),
        ("legal", requested(Role::Legal)),
        ("auditor", requested(Role::Auditor)),
        ("data_protection_officer", requested(Role::DataProtectionOfficer)),
        ("", RoleApproved { request: LogPosition(70), by: act() }.into()),
        ("", RoleRejected { request: LogPosition(70), by: act() }.into()),
        (
            "",
            RoleRevoked {
                role: Role::Legal,
                holder: USER.to_owned(),
                by: Act { address: None, ..act() },
            }
            .into(),
        ),
        ("", RolesSuspended { holder: USER.to_owned() }.into()),
        ("", RolesRestored { holder: USER.to_owned(), by: act() }.into()),
    ]
}

pub(crate) fn cases() -> Vec<(&'static str, Fact)> {
    let opened = |scope| CaseOpened { scope, expires_at: Timestamp(900), by: act() }.into();
    vec![
        (
            "bounded",
            opened(Scope {
                users: vec![subject(USER, 3)],
                rooms: vec![subject(ROOM, 5)],
                from: Some(Timestamp(100)),
                until: Some(Timestamp(200)),
            }),
        ),
        ("room", opened(Scope { rooms: vec![subject(ROOM, 5)], ..Scope::default() })),
        ("", CaseApproved { case: CASE, by: act() }.into()),
        ("", CaseRejected { case: CASE, by: act() }.into()),
        ("", CaseClosed { case: CASE, by: act() }.into()),
    ]
}

pub(crate) fn accesses() -> Vec<(&'static str, Fact)> {
    let accessed = |kind| {
        ContentAccessed {
            case: CASE,
            kind,
            from: LogPosition(10),
            until: LogPosition(60),
            entries: 12,
            user: OFFICER.to_owned(),
            address: Some("192.0.2.1".to_owned()),
        }
        .into()
    };
    let read = |record| StaffRecordRead { record, user: OFFICER.to_owned(), address: None }.into();
    vec![
        ("events", accessed(AccessKind::Events)),
        ("export", accessed(AccessKind::Export)),
        ("roles", read(StaffRecord::Roles)),
        ("cases", read(StaffRecord::Cases)),
        ("case", read(StaffRecord::Case(CASE))),
        ("accesses", read(StaffRecord::Accesses(CASE))),
        ("audit_trail", read(StaffRecord::AuditTrail(LogPosition(7)))),
        ("policies", read(StaffRecord::Policies)),
        ("holds", read(StaffRecord::Holds)),
        ("hold", read(StaffRecord::Hold(LogPosition(8)))),
        ("erasures", read(StaffRecord::Erasures)),
        ("fate", read(StaffRecord::Fate(LogPosition(9)))),
        ("plan", read(StaffRecord::Plan(LogPosition(10)))),
    ]
}
