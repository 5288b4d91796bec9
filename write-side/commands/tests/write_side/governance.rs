//! Governance on a real log: four eyes, conflicts of interest, accesses, restarts.

use std::sync::{Arc, atomic::Ordering};

use commands::{
    CommandError, WriteSide,
    audit::By,
    governance::{
        Actor, CaseWish, ContentAccess, GovernanceError, access_content, approve_case,
        approve_role, bootstrap_roles, close_case, governance, open_case, read_staff_record,
        readable_case, request_role, revoke_role,
    },
    room::{MemberDetails, ban_user, join_room, leave_room},
    user::{self as users, Passwords, RegisterRequest},
};
use decide::{
    governance::{GovernanceFold, GovernanceRefusal as No},
    room::Preset,
};
use facts::{
    Fact, LogPosition, Timestamp,
    fact::{AccessKind, AccountKind, Role, StaffRecord},
};
use ruma::{OwnedRoomId, OwnedUserId};

use crate::{
    stage::{Stage, room_of, user},
    stopped::Failing,
};

const DAY: u64 = 86_400_000;

async fn account(ws: &WriteSide, name: &str) -> OwnedUserId {
    let user = user(name);
    let request = RegisterRequest {
        user: &user,
        kind: AccountKind::User,
        password: None,
        admin: false,
        display_name: None,
        log_in: None,
        registration_token: None,
        reserved: false,
        by: &By::operator(),
    };
    users::register(ws, &Passwords::new(1), request).await.unwrap();
    user
}

fn who(name: &str) -> Actor {
    Actor { user: user(name), address: Some([192, 0, 2, 1].into()) }
}

/// Ann and Ben are officers, Cleo and Dan have accounts.
async fn house(ws: &WriteSide) {
    for name in ["ann", "ben", "cleo", "dan"] {
        account(ws, name).await;
    }
    bootstrap_roles(ws, &[user("ann"), user("ben")]).await.unwrap();
}

fn about(ws: &WriteSide, users: &[&str], rooms: &[OwnedRoomId]) -> CaseWish {
    CaseWish {
        users: users.iter().map(|name| user(name)).collect(),
        rooms: rooms.to_vec(),
        from: None,
        until: None,
        expires_at: Timestamp(ws.now().0 + 30 * DAY),
        reason: "inquiry 7".to_owned(),
    }
}

async fn case_about(ws: &WriteSide, users: &[&str], rooms: &[OwnedRoomId]) -> LogPosition {
    let case = open_case(ws, &who("ann"), &about(ws, users, rooms)).await.unwrap();
    approve_case(ws, &who("ben"), case, "agreed").await.unwrap();
    case
}

fn no<T: std::fmt::Debug>(answer: Result<T, GovernanceError>) -> No {
    match answer.unwrap_err() {
        CommandError::Refusal(refusal) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}

async fn fold(ws: &WriteSide) -> GovernanceFold {
    governance(ws, Clone::clone).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_cases_outlive_restarts_and_lost_folds() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    let early = no(request_role(&ws, &who("ann"), Role::Legal, &user("ben"), "because").await);
    assert_eq!(early, No::NotOfficer, "nobody is an officer before the first set-up");
    house(&ws).await;
    let again = bootstrap_roles(&ws, &[user("cleo"), user("dan")]).await;
    assert_eq!(no(again), No::RolesExist);
    let asked = request_role(&ws, &who("ann"), Role::Legal, &user("cleo"), "proceedings").await;
    approve_role(&ws, &who("ben"), asked.unwrap(), "agreed").await.unwrap();
    let case = case_about(&ws, &["dan"], &[]).await;
    let told = fold(&ws).await;
    assert!(told.roles.holds("@cleo:example.org", Role::Legal));
    ws.close().await.unwrap();

    let ws = stage.open().await;
    assert_eq!(fold(&ws).await, told);
    // Without a flush: the next start replays.
    revoke_role(&ws, &who("cleo"), Role::Legal, &user("cleo"), "I resign").await.unwrap();
    let told = fold(&ws).await;
    drop(ws);
    std::fs::remove_dir_all(stage.path().join("folds")).unwrap();
    let ws = stage.open().await;
    assert_eq!(fold(&ws).await, told);
    assert!(readable_case(&ws, &who("ann"), case).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_cannot_be_used_hold_no_roles() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    house(&ws).await;
    let ask = async |name: &str| {
        let user = ruma::UserId::parse(name).unwrap();
        request_role(&ws, &who("ann"), Role::Auditor, &user, "because").await
    };
    assert_eq!(no(ask("@nobody:example.org").await), No::UnknownUser);
    assert_eq!(no(ask("@x:other.org").await), No::NotLocal);
    let waits = ask("@dan:example.org").await.unwrap();
    users::deactivate(&ws, &user("dan"), false, &By::operator()).await.unwrap();
    assert_eq!(no(ask("@dan:example.org").await), No::Deactivated);
    let late = approve_role(&ws, &who("ben"), waits, "agreed").await;
    assert_eq!(no(late), No::Deactivated);
    // Ben's account ends: Ann cannot leave Ben alone, nor can a third be approved; but Ben's role
    // can go, for nothing is lost by it.
    users::deactivate(&ws, &user("ben"), false, &By::operator()).await.unwrap();
    let officer = Role::ComplianceOfficer;
    let left = revoke_role(&ws, &who("ann"), officer, &user("ann"), "I resign").await;
    assert_eq!(no(left), No::TooFewOfficers);
    revoke_role(&ws, &who("ann"), officer, &user("ben"), "left the house").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_in_a_room_in_the_time_of_a_case_stays_out_of_it() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    house(&ws).await;
    let room = room_of(&ws, "dan", Preset::PublicChat).await;
    let details = MemberDetails::default();
    let rooms = std::slice::from_ref(&room);
    let open = async |from: Option<Timestamp>, until: Option<Timestamp>| {
        let wish = CaseWish { from, until, ..about(&ws, &[], rooms) };
        open_case(&ws, &who("ann"), &wish).await
    };
    stage.pass_days(1);
    let before = ws.now();
    stage.pass_days(1);
    open(None, None).await.unwrap();
    join_room(&ws, &room, user("ann"), &details).await.unwrap();
    assert_eq!(no(open(None, None).await), No::InScope);
    assert_eq!(no(open(None, Some(before)).await), No::InScope, "a member now");
    stage.pass_days(1);
    let within = ws.now();
    leave_room(&ws, &room, user("ann"), &details).await.unwrap();
    stage.pass_days(1);
    let after = ws.now();
    assert_eq!(no(open(None, None).await), No::InScope, "a member then");
    assert_eq!(no(open(Some(within), None).await), No::InScope);
    open(Some(after), None).await.unwrap();
    open(None, Some(before)).await.unwrap();

    // Being banned, without ever having been there, keeps no officer away.
    ban_user(&ws, &room, user("dan"), &user("ben"), &details).await.unwrap();
    let case = open(Some(after), None).await.unwrap();
    approve_case(&ws, &who("ben"), case, "agreed").await.unwrap();
    // Whoever joins after the opening cannot approve.
    let case = open(Some(after), None).await.unwrap();
    let asked = request_role(&ws, &who("ann"), Role::Legal, &user("cleo"), "because").await;
    approve_role(&ws, &who("ben"), asked.unwrap(), "agreed").await.unwrap();
    join_room(&ws, &room, user("cleo"), &details).await.unwrap();
    assert_eq!(no(approve_case(&ws, &who("cleo"), case, "agreed").await), No::InScope);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_of_what_is_not_known_is_refused() {
    let mut stage = Stage::new();
    let ws = stage.open().await;
    house(&ws).await;
    let open = async |by: &str, wish: CaseWish| open_case(&ws, &who(by), &wish).await;
    let room = ruma::room_id!("!nowhere:example.org").to_owned();
    let rooms = about(&ws, &[], std::slice::from_ref(&room));
    assert_eq!(no(open("dan", rooms.clone()).await), No::NotOfficer);
    assert_eq!(no(open("ann", rooms).await), No::UnknownScopeRoom(room.to_string()));
    let users = about(&ws, &["nobody"], &[]);
    let nobody = No::UnknownScopeUser("@nobody:example.org".to_owned());
    assert_eq!(no(open("ann", users).await), nobody);
    assert_eq!(no(open("ann", about(&ws, &[], &[])).await), No::EmptyScope);
}

fn access(case: LogPosition) -> ContentAccess {
    ContentAccess {
        case,
        kind: AccessKind::Events,
        from: LogPosition(3),
        until: LogPosition(9),
        entries: 2,
        export: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i16_an_access_is_a_durable_fact_before_anything_is_read() {
    let mut stage = Stage::new();
    let log = stage.log();
    let journal = Failing::over(Arc::clone(&log));
    let ws = WriteSide::open(stage.parts(Arc::clone(&journal) as _)).await.unwrap();
    house(&ws).await;
    let case = case_about(&ws, &["dan"], &[]).await;

    let at = access_content(&ws, &who("ann"), access(case)).await.unwrap();
    assert!(log.head() >= at, "the answer came after the disk");
    let Some(Fact::ContentAccessed(told)) = log.read(at).unwrap().unwrap().fact().unwrap() else {
        panic!("no access at {at}");
    };
    assert_eq!((told.case, told.user.as_str()), (case, "@ann:example.org"));
    assert_eq!(told.address.as_deref(), Some("192.0.2.1"));
    assert_eq!((told.from, told.until, told.entries), (LogPosition(3), LogPosition(9), 2));

    assert_eq!(no(access_content(&ws, &who("dan"), access(case)).await), No::NotOfficer);
    assert_eq!(no(access_content(&ws, &who("ann"), access(at)).await), No::UnknownCase);
    read_staff_record(&ws, &who("ben"), StaffRecord::Accesses(case)).await.unwrap();
    let stranger = read_staff_record(&ws, &who("dan"), StaffRecord::Cases).await;
    assert_eq!(no(stranger), No::NotStaff);

    close_case(&ws, &who("ben"), case, "done").await.unwrap();
    let late = no(access_content(&ws, &who("ann"), access(case)).await);
    assert!(matches!(late, No::NotInForce(_)));

    let case = case_about(&ws, &["cleo"], &[]).await;
    journal.failed.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        // First it is given a position and does not get durable, then it is refused at once.
        let lost = access_content(&ws, &who("ann"), access(case)).await;
        assert!(matches!(lost, Err(CommandError::Stopped)));
    }
}
