use facts::Timestamp;

use crate::user::uia::*;

const NOW: Timestamp = Timestamp(5);

fn delete() -> Purpose {
    Purpose::Account { endpoint: "delete_device", user_id: super::ALICE.to_owned() }
}

#[test]
fn a_flow_is_passed_stage_by_stage_and_serves_once() {
    let mut sessions = UiaSessions::default();
    let flows = vec![vec![Stage::Password, Stage::RegistrationToken]];
    sessions.begin("s".to_owned(), delete(), flows, NOW).unwrap();
    let dummy = sessions.pass("s", &delete(), Stage::Dummy, None, NOW);
    assert_eq!(dummy, Err(UiaRefusal::UnknownStage));
    let open = sessions.pass("s", &delete(), Stage::Password, None, NOW);
    assert!(matches!(open, Ok(Progress::Open(_))));
    let token = Some([3; 32]);
    let done = sessions.pass("s", &delete(), Stage::RegistrationToken, token, NOW);
    let Ok(Progress::Done(done)) = done else {
        panic!("{done:?}");
    };
    assert_eq!(done.registration_token, token);
    let again = sessions.pass("s", &delete(), Stage::Password, None, NOW);
    assert_eq!(again, Err(UiaRefusal::UnknownSession));
}

#[test]
fn a_session_is_bound_to_its_purpose_and_time() {
    let mut sessions = UiaSessions::default();
    let flows = account_flows(true, true);
    assert_eq!(flows, [[Stage::Password], [Stage::Sso]]);
    sessions.begin("s".to_owned(), delete(), flows, NOW).unwrap();
    for other in [
        Purpose::Register,
        Purpose::Account { endpoint: "deactivate", user_id: super::ALICE.to_owned() },
        Purpose::Account { endpoint: "delete_device", user_id: "@bob:example.org".to_owned() },
    ] {
        let refused = sessions.pass("s", &other, Stage::Password, None, NOW);
        assert_eq!(refused, Err(UiaRefusal::UnknownSession));
    }
    let late = Timestamp(NOW.0 + UIA_SESSION_MS);
    let refused = sessions.pass("s", &delete(), Stage::Password, None, late);
    assert_eq!(refused, Err(UiaRefusal::UnknownSession));
}

#[test]
fn sessions_are_bounded_and_ended_ones_make_room() {
    let mut sessions = UiaSessions::default();
    let flows = || register_flows(RegistrationMode::Open);
    for n in 0..UIA_SESSIONS_MAX {
        sessions.begin(n.to_string(), Purpose::Register, flows(), NOW).unwrap();
    }
    let refused = sessions.begin("more".to_owned(), Purpose::Register, flows(), NOW);
    assert_eq!(refused, Err(UiaRefusal::TooMany));
    let late = Timestamp(NOW.0 + UIA_SESSION_MS);
    assert!(sessions.begin("more".to_owned(), Purpose::Register, flows(), late).is_ok());
    assert!(register_flows(RegistrationMode::Closed).is_empty());
    assert_eq!(Stage::from_name("m.login.registration_token"), Some(Stage::RegistrationToken));
}
