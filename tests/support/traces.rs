//! Strings that a person leaves behind in every place that takes one, through the client API.
//!
//! Owns the list of places and how each is written to. Every string is random, so that neither a
//! store's compression nor chance hides or makes one.

use anyhow::{Context, Result, ensure};
use rand::{Rng as _, rngs::StdRng};
use serde_json::{Value, json};

use crate::harness::{
    http_client::encode,
    matrix_client::{MatrixClient, text},
};

/// A place for a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The body of a message.
    Body,
    /// What an edit says, and what it says to clients that know no edits.
    Edit,
    /// The key of a reaction.
    Reaction,
    /// A message that was redacted later.
    Redacted,
    /// The reason of a redaction.
    RedactionReason,
    /// The display name, in the profile and in memberships.
    DisplayName,
    /// The reason of a membership.
    MemberReason,
    /// A room's name.
    RoomName,
    /// A room's topic.
    RoomTopic,
    /// State of a type that nobody knows.
    OtherState,
    /// A file's bytes.
    File,
    /// A file's name.
    FileName,
    /// Account data.
    AccountData,
    /// The type of account data.
    AccountDataType,
    /// Account data of a room.
    RoomAccountData,
    /// A tag of a room.
    Tag,
    /// A push rule.
    PushRule,
    /// A device's name.
    DeviceName,
    /// A field of the profile.
    ProfileField,
    /// A filter.
    Filter,
    /// The key of a session in a backup.
    BackupKey,
    /// The id of a session in a backup.
    BackupSession,
    /// The id of a one-time key.
    KeyId,
    /// A message to a device of the person.
    ToDevice,
    /// A search for users.
    Search,
    /// The name of somebody who could not log in.
    FailedLogin,
}

/// Whoever leaves traces, and one who talks to them.
pub(crate) struct Tracer {
    pub(crate) alice: MatrixClient,
    pub(crate) bob: MatrixClient,
    pub(crate) room: String,
    /// What Alice said first, which edits and reactions refer to.
    pub(crate) said: String,
    /// Version of her backup.
    pub(crate) backup: String,
    pub(crate) files: Vec<(String, String)>,
    random: StdRng,
}

impl Tracer {
    pub(crate) async fn new(
        mut alice: MatrixClient,
        bob: MatrixClient,
        room: String,
        random: StdRng,
    ) -> Result<Self> {
        let said = alice.send_text(&room, "hello").await?;
        let version = json!({
            "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
            "auth_data": { "public_key": "abcdefg" },
        });
        let backup = text(&alice.post("/v3/room_keys/version", &version).await?, "version")?;
        Ok(Self { alice, bob, room, said, backup, files: Vec::new(), random })
    }

    /// Twenty letters that are nowhere else.
    fn canary(&mut self) -> String {
        let letter = |_| char::from(self.random.random_range(b'a'..=b'z'));
        format!("qz{}", (0..18).map(letter).collect::<String>())
    }

    /// Leaves one string; answers it.
    pub(crate) async fn leave(&mut self, place: Place) -> Result<String> {
        let canary = self.canary();
        let left = match place {
            Place::Body
            | Place::Edit
            | Place::Reaction
            | Place::Redacted
            | Place::RedactionReason => self.say(place, &canary).await,
            Place::File | Place::FileName => self.upload(place, &canary).await,
            Place::RoomName | Place::RoomTopic | Place::OtherState | Place::MemberReason => {
                self.change_room(place, &canary).await
            }
            Place::ToDevice | Place::Search | Place::FailedLogin | Place::KeyId => {
                self.ask(place, &canary).await
            }
            _ => self.keep(place, &canary).await,
        };
        left.with_context(|| format!("{place:?}"))?;
        Ok(canary)
    }

    async fn say(&mut self, place: Place, canary: &str) -> Result<()> {
        let (alice, room) = (&mut self.alice, &self.room);
        let txn = alice.new_txn();
        let message = json!({ "msgtype": "m.text", "body": canary });
        let reaction = json!({ "m.relates_to":
            { "rel_type": "m.annotation", "event_id": self.said, "key": canary } });
        let edit = json!({
            "msgtype": "m.text", "body": canary,
            "m.new_content": { "msgtype": "m.text", "body": canary },
            "m.relates_to": { "rel_type": "m.replace", "event_id": self.said },
        });
        let (event_type, content) = match place {
            Place::Edit => ("m.room.message", edit),
            Place::Reaction => ("m.reaction", reaction),
            Place::RedactionReason => ("m.room.message", json!({ "body": "taken back" })),
            _ => ("m.room.message", message),
        };
        let sent = alice.send_under(room, event_type, &txn, &content).await?.ok()?;
        let reason = match place {
            Place::Redacted => json!({}),
            Place::RedactionReason => json!({ "reason": canary }),
            _ => return Ok(()),
        };
        let (event, room) = (encode(&text(&sent, "event_id")?), encode(room));
        let txn = alice.new_txn();
        alice.put(&format!("/v3/rooms/{room}/redact/{event}/{txn}"), &reason).await?;
        Ok(())
    }

    async fn upload(&mut self, place: Place, canary: &str) -> Result<()> {
        let (name, bytes) = match place {
            Place::File => ("file", canary),
            _ => (canary, "nothing of note"),
        };
        let body = crate::harness::http_client::RawBody {
            content_type: "text/plain".to_owned(),
            bytes: bytes::Bytes::copy_from_slice(bytes.as_bytes()),
        };
        let path = format!("/_matrix/media/v3/upload?filename={name}");
        let token = Some(self.alice.access_token.as_str());
        let answer = self.alice.http.raw(http::Method::POST, &path, token, Some(body)).await?;
        let address = text(&answer.ok()?, "content_uri")?;
        let shown = json!({ "msgtype": "m.file", "body": name, "url": address });
        let txn = self.alice.new_txn();
        self.alice.send_under(&self.room, "m.room.message", &txn, &shown).await?.ok()?;
        self.files.push((address, bytes.to_owned()));
        Ok(())
    }

    async fn change_room(&mut self, place: Place, canary: &str) -> Result<()> {
        let (alice, room) = (&self.alice, &self.room);
        match place {
            Place::RoomName => {
                alice.set_state(room, "m.room.name", "", &json!({ "name": canary })).await?;
            }
            Place::RoomTopic => {
                alice.set_state(room, "m.room.topic", "", &json!({ "topic": canary })).await?;
            }
            Place::OtherState => {
                let content = json!({ "org.example.told": canary });
                alice.set_state(room, "org.example.state", "key", &content).await?;
            }
            _ => {
                let reason = json!({ "reason": canary });
                alice.post(&format!("/v3/rooms/{}/leave", encode(room)), &reason).await?;
                alice.join(room).await?;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, place: Place, canary: &str) -> Result<()> {
        match place {
            Place::ToDevice => {
                let txn = self.bob.new_txn();
                let messages = json!({ "messages":
                    { &self.alice.user_id: { "*": { "told": canary } } } });
                self.bob
                    .put(&format!("/v3/sendToDevice/org.example.told/{txn}"), &messages)
                    .await?;
            }
            Place::KeyId => {
                let key = json!({ "key": "AAAA", "signatures": {} });
                let id = format!("signed_curve25519:{canary}");
                let keys = json!({ "one_time_keys": { id: key } });
                self.alice.post("/v3/keys/upload", &keys).await?;
            }
            Place::Search => {
                let wish = json!({ "search_term": canary });
                self.alice.post("/v3/user_directory/search", &wish).await?;
            }
            _ => {
                let refused = MatrixClient::log_in(&self.alice.http, canary, "wrong", None).await;
                ensure!(refused.is_err(), "nobody of this name exists");
            }
        }
        Ok(())
    }

    /// What the server keeps for a person.
    async fn keep(&self, place: Place, canary: &str) -> Result<()> {
        let (alice, room) = (&self.alice, encode(&self.room));
        let user = encode(&alice.user_id);
        let session = |id: &str| format!("/v3/room_keys/keys/{room}/{id}?version={}", self.backup);
        let session_data = |sealed: &str| {
            json!({ "first_message_index": 1, "forwarded_count": 0, "is_verified": false,
                    "session_data": { "ephemeral": sealed } })
        };
        let (path, value): (String, Value) = match place {
            Place::DisplayName => {
                (format!("/v3/profile/{user}/displayname"), json!({ "displayname": canary }))
            }
            Place::ProfileField => {
                let field = format!("org.example.{canary}");
                (format!("/v3/profile/{user}/{field}"), json!({ field: canary }))
            }
            Place::AccountData => (
                format!("/v3/user/{user}/account_data/org.example.note"),
                json!({ "note": canary }),
            ),
            Place::AccountDataType => (
                format!("/v3/user/{user}/account_data/org.example.{canary}"),
                json!({ "note": "nothing" }),
            ),
            Place::RoomAccountData => (
                format!("/v3/user/{user}/rooms/{room}/account_data/org.example.note"),
                json!({ "note": canary }),
            ),
            Place::Tag => (format!("/v3/user/{user}/rooms/{room}/tags/u.{canary}"), json!({})),
            Place::PushRule => (
                format!("/v3/pushrules/global/content/{canary}"),
                json!({ "pattern": canary, "actions": ["notify"] }),
            ),
            Place::DeviceName => {
                (format!("/v3/devices/{}", alice.device_id), json!({ "display_name": canary }))
            }
            Place::BackupKey => (session("s1"), session_data(canary)),
            Place::BackupSession => (session(canary), session_data("nothing")),
            _ => {
                let filter = json!({ "room": { "rooms": [format!("!{canary}:localhost")] } });
                alice.post(&format!("/v3/user/{user}/filter"), &filter).await?;
                return Ok(());
            }
        };
        alice.put(&path, &value).await?;
        Ok(())
    }
}
