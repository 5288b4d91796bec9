//! Commands on persons over a real log, with restarts.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use decide::{
    alias::AliasRefusal,
    inbox::InboxFold,
    user::{
        KeyUpload, UserRefusal,
        push_rules::PushRuleEdit,
        send_to_device::{SEND_TO_DEVICE, ToDeviceMessages},
    },
};
use event_log::{Log, LogOptions, SeededRandom};
use facts::{
    Fact, LogPosition, Timestamp,
    fact::{AccountKind, StreamKind},
};
use ruma::{OwnedUserId, UserId, push::RuleKind, room_alias_id, room_id, server_name, user_id};
use serde_json::json;

use super::*;
use crate::{CommandError, ServerIdentity, WriteSide, WriteSideParts, audit::By};

static OPERATOR: By = By::operator();
const NOW: Timestamp = Timestamp(1_700_000_000_000);
const CURVE: &str = "signed_curve25519";

async fn open(dir: &Path, seed: u64) -> WriteSide {
    let clock = Arc::new(|| NOW);
    let random = Arc::new(SeededRandom::new(seed));
    let options = LogOptions::new(dir, "example.org");
    let log = Log::open(options, clock.clone(), random.clone()).unwrap();
    let name = server_name!("example.org").to_owned();
    let identity = ServerIdentity::from_seed(name, "a_1".to_owned(), &[7; 32]).unwrap();
    let journal = Arc::new(log);
    let parts = WriteSideParts::new(journal, dir.join("folds"), Arc::new(identity), clock, random);
    let register = |kinds| crate::alias::register_kinds(register_kinds(kinds));
    WriteSide::open_with(parts, register).await.unwrap()
}

fn request<'a>(user: &'a UserId, password: &'a str) -> RegisterRequest<'a> {
    RegisterRequest {
        user,
        kind: AccountKind::User,
        password: Some(password),
        admin: false,
        display_name: None,
        log_in: Some(vetted(user, Some("DEV"))),
        registration_token: None,
        reserved: false,
        by: &OPERATOR,
    }
}

fn vetted<'a>(user: &'a UserId, device_id: Option<&'a str>) -> LogInRequest<'a> {
    LogInRequest {
        user,
        credential: Credential::Vetted,
        device_id,
        display_name: None,
        refresh: true,
        lifetimes: TokenLifetimes { refreshable_access_ms: Some(3_600_000), plain_access_ms: None },
        address: Some([192, 0, 2, 1].into()),
    }
}

async fn registered(ws: &WriteSide, user: &UserId) -> LoggedIn {
    let passwords = Passwords::new(2);
    let registered = register(ws, &passwords, request(user, "wonderland")).await;
    registered.unwrap().session.unwrap()
}

fn alice() -> &'static UserId {
    user_id!("@alice:example.org")
}

fn bob() -> &'static UserId {
    user_id!("@bob:example.org")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_outlives_a_restart_and_logs_in_by_password_alone() {
    let dir = tempfile::tempdir().unwrap();
    let passwords = Passwords::new(2);
    let ws = open(dir.path(), 1).await;
    let session = registered(&ws, alice()).await;
    let again = register(&ws, &passwords, request(alice(), "x")).await;
    assert!(matches!(
        again,
        Err(RegisterError::Command(CommandError::Refusal(UserRefusal::UserInUse)))
    ));
    ws.close().await.unwrap();

    let ws = open(dir.path(), 2).await;
    let by = |password| LogInRequest {
        credential: Credential::Password(password),
        ..vetted(alice(), None)
    };
    let wrong = log_in(&ws, &passwords, by("looking glass")).await;
    assert!(matches!(wrong, Err(LogInError::WrongCredential)));
    let stranger = LogInRequest { user: bob(), ..by("wonderland") };
    let wrong = log_in(&ws, &passwords, stranger).await;
    assert!(matches!(wrong, Err(LogInError::WrongCredential)));
    let second = log_in(&ws, &passwords, by("wonderland")).await.unwrap();
    assert_ne!(second.device_id, session.device_id);

    let refresh_token = session.refresh_token.unwrap();
    let third = refresh(&ws, &refresh_token, TokenLifetimes::default()).await.unwrap();
    assert_eq!(third.device_id, session.device_id);
    mark_seen(&ws, alice(), "DEV", &third.access_token, None).await.unwrap();
    let used = refresh(&ws, &refresh_token, TokenLifetimes::default()).await;
    assert!(matches!(used, Err(CommandError::Refusal(UserRefusal::UnknownToken))));
    let forged = new_token(TokenKind::Refresh, bob(), [0; 32]);
    let refused = refresh(&ws, &forged, TokenLifetimes::default()).await;
    assert!(matches!(refused, Err(CommandError::Refusal(UserRefusal::UnknownToken))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_use_makes_one_account() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(dir.path(), 3).await;
    create_registration_token(&ws, "secret", Some(1), None, true).await.unwrap();
    let token = token_hash("secret");
    let tries = (0..4).map(|n| {
        let ws = ws.clone();
        tokio::spawn(async move {
            let user = UserId::parse(format!("@user{n}:example.org")).unwrap();
            let request =
                RegisterRequest { registration_token: Some(token), ..request(&user, "pw") };
            let registered = register(&ws, &Passwords::new(2), request).await;
            registered.map(|one| one.user_id)
        })
    });
    let mut made: Vec<OwnedUserId> = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(user) => made.push(user),
            Err(error) => assert!(matches!(error, RegisterError::Token(_)), "{error:?}"),
        }
    }
    assert_eq!(made.len(), 1);
    assert!(!is_valid_registration_token(&ws, "secret").await.unwrap());
    let admin = look(&ws, &made[0], |fold| fold.account.as_ref().unwrap().admin);
    assert!(admin.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_claims_never_get_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(dir.path(), 4).await;
    registered(&ws, alice()).await;
    let upload = KeyUpload {
        one_time_keys: (0..20)
            .map(|n| (format!("{CURVE}:{n}"), json!({ "key": n }).to_string()))
            .collect(),
        ..KeyUpload::default()
    };
    let counts = upload_keys(&ws, alice(), "DEV", &upload).await.unwrap();
    assert_eq!(counts[CURVE], 20);
    let wanted: BTreeMap<_, _> =
        [(alice().to_owned(), BTreeMap::from([("DEV".to_owned(), CURVE.to_owned())]))].into();
    let claims: Vec<_> = (0..30)
        .map(|_| {
            let (ws, wanted) = (ws.clone(), wanted.clone());
            tokio::spawn(async move { claim_keys(&ws, &wanted).await.unwrap() })
        })
        .collect();
    let mut keys: Vec<(String, String)> = Vec::new();
    for claim in claims {
        keys.extend(claim.await.unwrap().into_values().flat_map(BTreeMap::into_values));
    }
    assert_eq!(keys.len(), 20);
    for (id, key) in &keys {
        assert_eq!(
            *key,
            json!({ "key": id.split(':').nth(1).unwrap().parse::<u32>().unwrap() }).to_string()
        );
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 20);

    // Nor after a restart that replays everything.
    ws.close().await.unwrap();
    std::fs::remove_dir_all(dir.path().join("folds")).unwrap();
    let ws = open(dir.path(), 5).await;
    assert!(claim_keys(&ws, &wanted).await.unwrap().is_empty());
    assert_eq!(upload_keys(&ws, alice(), "DEV", &upload).await.unwrap()[CURVE], 0);
}

async fn waiting(ws: &WriteSide, user: &UserId, device: &str) -> Vec<LogPosition> {
    let name = inbox::inbox_name(user.as_str(), device);
    let stream = ws.core().stream_named(StreamKind::DeviceInbox, &name).unwrap();
    let Some(stream) = stream else {
        return Vec::new();
    };
    let guard = ws.actors::<InboxFold>().lock::<UserRefusal>(stream).await.unwrap();
    guard.fold().waiting.iter().copied().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_to_devices_are_queued_once_and_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(dir.path(), 6).await;
    registered(&ws, alice()).await;
    registered(&ws, bob()).await;
    let messages: ToDeviceMessages = [
        (bob().to_string(), [("*".to_owned(), "{\"n\":1}".to_owned())].into()),
        ("@c:remote.org".to_owned(), [("*".to_owned(), "{}".to_owned())].into()),
    ]
    .into();
    let request = SendToDevice {
        sender: alice(),
        device_id: "DEV",
        endpoint: SEND_TO_DEVICE,
        txn_id: "t1",
        event_type: "m.test",
        messages: &messages,
    };
    let (one, two) = tokio::join!(send_to_device(&ws, request), send_to_device(&ws, request));
    one.unwrap();
    two.unwrap();
    send_to_device(&ws, request).await.unwrap();
    let queued = waiting(&ws, bob(), "DEV").await;
    assert_eq!(queued.len(), 1);
    let remote = user_id!("@c:remote.org");
    assert_eq!(waiting(&ws, remote, "*").await.len(), 1);
    match ws.read_fact(queued[0]).await.unwrap() {
        Some(Fact::ToDeviceQueued(message)) => assert_eq!(message.content, b"{\"n\":1}"),
        other => panic!("{other:?}"),
    }

    let next = SendToDevice { txn_id: "t2", ..request };
    send_to_device(&ws, next).await.unwrap();
    acknowledge_to_device(&ws, bob(), "DEV", queued[0]).await.unwrap();
    let left = waiting(&ws, bob(), "DEV").await;
    assert!(left.len() == 1 && left[0] > queued[0]);
    acknowledge_to_device(&ws, bob(), "DEV", LogPosition(u64::MAX)).await.unwrap();
    assert!(waiting(&ws, bob(), "DEV").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_set_at_the_same_time_are_all_kept() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(dir.path(), 7).await;
    registered(&ws, alice()).await;
    let room = room_id!("!room:example.org");
    let tagging: Vec<_> = (0..5)
        .map(|n| {
            let ws = ws.clone();
            tokio::spawn(async move {
                let info = serde_json::Map::new();
                set_tag(&ws, alice(), room, &format!("u.{n}"), Some(&info)).await
            })
        })
        .collect();
    for one in tagging {
        one.await.unwrap().unwrap();
    }
    let key = decide::user::AccountDataKey::room(room.as_str(), decide::user::TAGS);
    let at = look(&ws, alice(), |fold| fold.account_data[&key]).await.unwrap();
    let Some(Fact::AccountDataSet(data)) = ws.read_fact(at).await.unwrap() else {
        panic!("the tags are readable");
    };
    let content: serde_json::Value = serde_json::from_slice(&data.content.unwrap()).unwrap();
    assert_eq!(content["tags"].as_object().unwrap().len(), 5);

    let mute = PushRuleEdit::SetEnabled(RuleKind::Override, ".m.rule.master".to_owned(), true);
    edit_push_rules(&ws, alice(), &mute).await.unwrap();
    let gone = PushRuleEdit::Delete(RuleKind::Room, "!none:example.org".to_owned());
    let refused = edit_push_rules(&ws, alice(), &gone).await;
    assert!(matches!(refused, Err(CommandError::Refusal(UserRefusal::NotFound(_)))));
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(dir.path(), 8).await;
    registered(&ws, alice()).await;
    let version = create_backup_version(&ws, alice(), "alg", "{}").await.unwrap();
    let data = json!({"is_verified": true, "first_message_index": 0, "forwarded_count": 0});
    let session = facts::fact::BackupSession {
        room: "!r:example.org".to_owned(),
        session_id: "s".to_owned(),
        data: data.to_string().into_bytes(),
    };
    let sessions = [session];
    let state = store_backup_keys(&ws, alice(), version, &sessions).await.unwrap();
    assert_eq!((state.etag, state.count), (1, 1));
    ws.close().await.unwrap();
    let ws = open(dir.path(), 9).await;
    assert_eq!(backup_state(&ws, alice(), version).await.unwrap(), state);
    let again = store_backup_keys(&ws, alice(), version, &sessions).await.unwrap();
    assert_eq!(again, state);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let ws = open(dir.path(), 10).await;
    let (alias, room) = (room_alias_id!("#a:example.org"), room_id!("!r:example.org"));
    crate::alias::set_alias(&ws, alice(), alias, room, false).await.unwrap();
    let taken = crate::alias::set_alias(&ws, bob(), alias, room, false).await;
    assert!(matches!(taken, Err(CommandError::Refusal(AliasRefusal::Taken))));
    let other = room_alias_id!("#a:remote.org");
    let refused = crate::alias::set_alias(&ws, bob(), other, room, false).await;
    assert!(matches!(refused, Err(CommandError::Refusal(AliasRefusal::NotOurs))));
    let refused = crate::alias::remove_alias(&ws, bob(), alias, false).await;
    assert!(matches!(refused, Err(CommandError::Refusal(AliasRefusal::Forbidden))));
    crate::alias::remove_alias(&ws, bob(), alias, true).await.unwrap();
    assert_eq!(crate::alias::resolve_alias(&ws, alias).await.unwrap(), None);
    crate::alias::set_alias(&ws, bob(), alias, room, false).await.unwrap();
    let target = crate::alias::resolve_alias(&ws, alias).await.unwrap().unwrap();
    assert_eq!(target.creator, bob().as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reserved_upload_becomes_media_once() {
    use crate::media::{BlobStore, MediaUpload, check_reserved, reserve_media, store_media};
    let dir = tempfile::tempdir().unwrap();
    let ws = open(dir.path(), 11).await;
    registered(&ws, alice()).await;
    let blobs = BlobStore::open(dir.path().join("media")).await.unwrap();
    let (media_id, _) = reserve_media(&ws, alice()).await.unwrap();
    check_reserved(&ws, alice(), &media_id).await.unwrap();
    let mut writer = blobs.begin(ws.random(), 1_000).await.unwrap();
    writer.write(b"picture").await.unwrap();
    let upload = MediaUpload {
        media_id: media_id.clone(),
        reserved: true,
        content_type: Some("image/png".to_owned()),
        file_name: None,
        blob: writer.finish().await.unwrap(),
    };
    store_media(&ws, alice(), upload.clone()).await.unwrap();
    let again = store_media(&ws, alice(), upload.clone()).await;
    assert!(matches!(again, Err(CommandError::Refusal(UserRefusal::MediaExists))));
    let unknown = check_reserved(&ws, alice(), "other").await;
    assert!(matches!(unknown, Err(CommandError::Refusal(UserRefusal::NotFound(_)))));
    let blob = &upload.blob;
    let mut reader = blobs.read(&blob.name, &blob.key, blob.bytes, 2..5).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap().as_ref(), b"ctu");
    assert_eq!(reader.next().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_other_devices_and_the_old_password() {
    let dir = tempfile::tempdir().unwrap();
    let passwords = Passwords::new(2);
    let ws = open(dir.path(), 12).await;
    registered(&ws, alice()).await;
    log_in(&ws, &passwords, vetted(alice(), Some("OTHER"))).await.unwrap();
    let new = NewPassword { password: "new", log_out_others: true, kept_device: Some("DEV") };
    set_password(&ws, &passwords, alice(), new, &OPERATOR).await.unwrap();
    let devices = look(&ws, alice(), |fold| fold.devices.keys().cloned().collect::<Vec<_>>());
    assert_eq!(devices.await.unwrap(), ["DEV"]);
    assert!(!verify_password(&ws, &passwords, alice(), "wonderland").await.unwrap());
    assert!(verify_password(&ws, &passwords, alice(), "new").await.unwrap());
    deactivate(&ws, alice(), false, &OPERATOR).await.unwrap();
    assert!(!verify_password(&ws, &passwords, alice(), "new").await.unwrap());
    let by_password =
        LogInRequest { credential: Credential::Password("new"), ..vetted(alice(), None) };
    let refused = log_in(&ws, &passwords, by_password).await;
    assert!(matches!(
        refused,
        Err(LogInError::Command(CommandError::Refusal(UserRefusal::Deactivated)))
    ));
}
