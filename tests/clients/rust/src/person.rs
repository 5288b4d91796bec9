//! One user with one device: an SDK client on an SQLite store, a task that syncs and writes down
//! what came, and waiting for what this person sees.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use matrix_sdk::config::{SyncSettings, SyncToken};
use matrix_sdk::deserialized_responses::TimelineEvent;
use matrix_sdk::ruma::api::client::account::register;
use matrix_sdk::ruma::api::client::filter::FilterDefinition;
use matrix_sdk::ruma::api::client::sync::sync_events::v3::Filter;
use matrix_sdk::ruma::api::client::uiaa::{self, AuthData, Dummy};
use matrix_sdk::ruma::events::room::message::{
    MessageType, OriginalSyncRoomMessageEvent, RoomMessageEventContent,
};
use matrix_sdk::ruma::events::{
    AnySyncEphemeralRoomEvent, AnySyncMessageLikeEvent, AnySyncTimelineEvent, SyncMessageLikeEvent,
};
use matrix_sdk::ruma::{OwnedEventId, OwnedTransactionId, OwnedUserId, RoomId, UInt, UserId};
use matrix_sdk::sync::SyncResponse;
use matrix_sdk::{AuthSession, Client, Room, RoomState};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::Result;
use crate::wait::Bell;

const PASSWORD: &str = "correct horse battery staple";
/// Short, for stopping waits for the poll under way: a sync is never cut in the middle.
const POLL: Duration = Duration::from_secs(2);
const TIMELINE_EVENTS_MAX: u32 = 200;
/// The server may be away for a moment; the same transaction is sent again.
const SEND_TRIES_MAX: usize = 20;
const RETRY: Duration = Duration::from_millis(100);

/// What the syncs brought, in their order.
#[derive(Default)]
struct Seen {
    syncs: u64,
    timeline: Vec<TimelineEvent>,
    typing: Vec<OwnedUserId>,
    gaps: u64,
}

/// A message of the room as this person has it.
pub struct Message {
    pub id: OwnedEventId,
    /// `None` where it cannot be read.
    pub event: Option<OriginalSyncRoomMessageEvent>,
    pub encrypted: bool,
}

impl Message {
    pub fn body(&self) -> Option<&str> {
        self.event.as_ref().map(|event| event.content.body())
    }
}

/// What is needed to come back to the same device later.
pub struct Absent {
    name: String,
    session: AuthSession,
}

pub struct Person {
    pub name: String,
    pub id: OwnedUserId,
    pub client: Client,
    pub bell: Bell,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    syncing: JoinHandle<()>,
}

impl Person {
    /// Registers and starts to sync.
    pub async fn register(url: &str, dir: &Path, bell: &Bell, name: &str) -> Result<Self> {
        let client = client(url, &dir.join(name)).await?;
        let mut request = register::v3::Request::new();
        request.username = Some(name.to_owned());
        request.password = Some(PASSWORD.to_owned());
        request.auth = Some(AuthData::Dummy(Dummy::new()));
        request.initial_device_display_name = Some(format!("{name}'s computer"));
        client.matrix_auth().register(request).await?;
        Self::begin(client, bell, name).await
    }

    /// Logs in on a new device, which has no keys of what was said before.
    pub async fn login(url: &str, dir: &Path, bell: &Bell, name: &str) -> Result<Self> {
        let client = client(url, &dir.join(format!("{name}-new"))).await?;
        client.matrix_auth().login_username(name, PASSWORD).send().await?;
        Self::begin(client, bell, name).await
    }

    /// Opens the store of somebody who went, without syncing yet.
    pub async fn open(url: &str, dir: &Path, absent: &Absent) -> Result<Client> {
        let client = client(url, &dir.join(&absent.name)).await?;
        client.restore_session(absent.session.clone()).await?;
        Ok(client)
    }

    /// Starts to sync, from the beginning, and waits for the first answer.
    pub async fn begin(client: Client, bell: &Bell, name: &str) -> Result<Self> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let id = client.user_id().ok_or("no session")?.to_owned();
        let syncing =
            tokio::spawn(sync(client.clone(), bell.clone(), Arc::clone(&seen), Arc::clone(&stop)));
        let bell = bell.clone();
        let person = Self { name: name.to_owned(), id, client, bell, seen, stop, syncing };
        let what = format!("{name}'s first sync");
        person.bell.until_true(&what, async || Ok(person.seen().syncs > 0)).await?;
        person.client.encryption().wait_for_e2ee_initialization_tasks().await;
        Ok(person)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("whoever held the lock does not panic")
    }

    /// Makes a cross-signing identity, with the password where the server asks for it.
    pub async fn cross_sign(&self) -> Result<()> {
        let encryption = self.client.encryption();
        let Err(error) = encryption.bootstrap_cross_signing(None).await else { return Ok(()) };
        let Some(asked) = error.as_uiaa_response() else { return Err(error.into()) };
        let user =
            uiaa::UserIdentifier::Matrix(uiaa::MatrixUserIdentifier::new(self.id.to_string()));
        let mut password = uiaa::Password::new(user, PASSWORD.to_owned());
        password.session.clone_from(&asked.session);
        Ok(encryption.bootstrap_cross_signing(Some(AuthData::Password(password))).await?)
    }

    /// The room, as soon as this person has it in `state`.
    pub async fn room(&self, id: &RoomId, state: RoomState) -> Result<Room> {
        let what = format!("the room at {}", self.name);
        self.bell
            .until(&what, async || {
                Ok(self.client.get_room(id).filter(|room| room.state() == state))
            })
            .await
    }

    /// Waits until this person sees `user` as joined.
    pub async fn sees_joined(&self, room: &RoomId, user: &UserId) -> Result<()> {
        let room = self.room(room, RoomState::Joined).await?;
        let what = format!("{user} in the room of {}", self.name);
        self.bell
            .until_true(&what, async || {
                let member = room.get_member_no_sync(user).await?;
                Ok(member.is_some_and(|member| member.membership().as_str() == "join"))
            })
            .await
    }

    /// Sends a text; the answer is the event's id.
    pub async fn say(&self, room: &RoomId, text: &str) -> Result<OwnedEventId> {
        let room = self.client.get_room(room).ok_or("no such room")?;
        say(&room, &self.name, text).await
    }

    /// All messages of the room in the order of the syncs, those of the verification left out.
    pub async fn messages(&self, room: &RoomId) -> Result<Vec<Message>> {
        let timeline = self.seen().timeline.clone();
        let room = self.client.get_room(room).ok_or("no such room")?;
        let mut messages = Vec::new();
        for event in timeline {
            // The key may have come after its message.
            let event = if event.kind.is_utd() {
                room.decrypt_event(event.raw().cast_ref_unchecked(), None).await?
            } else {
                event
            };
            messages.extend(message(&event)?);
        }
        Ok(messages)
    }

    /// The ids of all events that the syncs brought, in their order.
    pub fn timeline(&self) -> Vec<Option<OwnedEventId>> {
        self.seen().timeline.iter().map(|event| event.event_id().map(ToOwned::to_owned)).collect()
    }

    /// Waits until this person can read a message with this text.
    pub async fn reads(&self, room: &RoomId, text: &str) -> Result<Message> {
        let what = format!("{text:?} at {}", self.name);
        self.bell
            .until(&what, async || {
                let messages = self.messages(room).await?;
                Ok(messages.into_iter().rev().find(|message| message.body() == Some(text)))
            })
            .await
    }

    /// Whether `user` is typing, as this person sees it.
    pub fn sees_typing(&self, user: &UserId) -> bool {
        self.seen().typing.iter().any(|typing| typing == user)
    }

    /// How often a sync left events out that belonged between the last one and it.
    pub fn gaps(&self) -> u64 {
        self.seen().gaps
    }

    /// Stops to sync, between two polls.
    pub async fn stop(self) -> Result<Absent> {
        self.stop.store(true, Ordering::Relaxed);
        self.syncing.await?;
        let session = self.client.session().ok_or("no session")?;
        Ok(Absent { name: self.name, session })
    }
}

/// Sends a text, again with the same transaction id while the server is away.
pub async fn say(room: &Room, name: &str, text: &str) -> Result<OwnedEventId> {
    let transaction: OwnedTransactionId = format!("{name}-{}", text.replace(' ', "-")).into();
    let mut tries = 0;
    loop {
        let content = RoomMessageEventContent::text_plain(text);
        match room.send(content).with_transaction_id(transaction.clone()).await {
            Ok(sent) => return Ok(sent.response.event_id),
            Err(error) => {
                tries += 1;
                if tries == SEND_TRIES_MAX {
                    return Err(error.into());
                }
                sleep(RETRY).await;
            }
        }
    }
}

async fn client(url: &str, store: &Path) -> Result<Client> {
    let builder = Client::builder().homeserver_url(url);
    Ok(builder.sqlite_store(store, Some("a store's own passphrase")).build().await?)
}

async fn sync(client: Client, bell: Bell, seen: Arc<Mutex<Seen>>, stop: Arc<AtomicBool>) {
    let mut filter = FilterDefinition::default();
    filter.room.timeline.limit = Some(UInt::from(TIMELINE_EVENTS_MAX));
    let settings = SyncSettings::new()
        .filter(Filter::FilterDefinition(filter))
        .timeout(POLL)
        .ignore_timeout_on_first_sync(true);
    let mut token = SyncToken::NoToken;
    while !stop.load(Ordering::Relaxed) {
        match client.sync_once(settings.clone().token(token.clone())).await {
            Ok(response) => {
                token = SyncToken::Specific(response.next_batch.clone());
                note(&mut seen.lock().expect("whoever held the lock does not panic"), response);
                bell.ring();
            }
            // The server is away for a moment, or the test fails elsewhere by its deadline.
            Err(_) => sleep(RETRY).await,
        }
    }
}

fn note(seen: &mut Seen, response: SyncResponse) {
    for update in response.rooms.joined.into_values() {
        if update.timeline.limited && seen.syncs > 0 && !seen.timeline.is_empty() {
            seen.gaps += 1;
        }
        seen.timeline.extend(update.timeline.events);
        for event in update.ephemeral {
            if let Ok(AnySyncEphemeralRoomEvent::Typing(typing)) = event.deserialize() {
                seen.typing = typing.content.user_ids;
            }
        }
    }
    seen.syncs += 1;
}

fn message(event: &TimelineEvent) -> Result<Option<Message>> {
    let id = event.event_id().ok_or("an event without id")?.to_owned();
    if event.kind.is_utd() {
        return Ok(Some(Message { id, event: None, encrypted: true }));
    }
    let AnySyncTimelineEvent::MessageLike(AnySyncMessageLikeEvent::RoomMessage(
        SyncMessageLikeEvent::Original(found),
    )) = event.raw().deserialize()?
    else {
        return Ok(None);
    };
    if matches!(found.content.msgtype, MessageType::VerificationRequest(_)) {
        return Ok(None);
    }
    Ok(Some(Message { id, encrypted: event.encryption_info().is_some(), event: Some(found) }))
}
