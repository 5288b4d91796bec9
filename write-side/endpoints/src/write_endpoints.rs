//! What the endpoints share.
//!
//! Owns the state that handlers are given: the write side, the settings, and what is in memory
//! only (sessions of user-interactive authentication, nonces). Never holds truth.

use std::{fmt, ops::Deref, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use commands::{
    WriteSide,
    media::BlobStore,
    user::{Passwords, SharedSecretRegistration, TokenLifetimes},
};
use decide::user::uia::RegistrationMode;
use parking_lot::Mutex;
use ruma::{OwnedServerName, RoomVersionId, ServerName};

use crate::{
    interactive::InteractiveSessions,
    ports::{MediaIds, Memberships, Namespaces, RoomAliases},
    remote::Remote,
};

/// What the composition root hands in.
pub struct WriteEndpointsParts {
    /// Where commands go.
    pub write_side: WriteSide,
    /// Hashing of passwords, bounded.
    pub passwords: Passwords,
    /// Blobs of media.
    pub media: Arc<BlobStore>,
    /// In which rooms a person is.
    pub memberships: Arc<dyn Memberships>,
    /// Which aliases of this server point to a room.
    pub room_aliases: Arc<dyn RoomAliases>,
    /// Whose a media id is.
    pub media_ids: Arc<dyn MediaIds>,
    /// Names that application services reserve; [`crate::NoNamespaces`] without any.
    pub namespaces: Arc<dyn Namespaces>,
    /// Federation; [`crate::NoRemote`] without it.
    pub remote: Arc<dyn Remote>,
    /// The settings.
    pub settings: WriteSettings,
}

/// The settings of the endpoints.
#[derive(Clone)]
pub struct WriteSettings {
    /// How accounts can be made (`registration.mode`).
    pub registration: RegistrationMode,
    /// The secret of `/_synapse/admin/v1/register` (`registration.shared_secret_file`); without
    /// it the endpoint does not exist.
    pub shared_secret: Option<Vec<u8>>,
    /// Version of new rooms (`rooms.default_version`).
    pub default_room_version: RoomVersionId,
    /// Where clients find this server (`server.public_base_url`), told at login.
    pub public_base_url: Option<String>,
    /// How long tokens live.
    pub token_lifetimes: TokenLifetimes,
}

impl fmt::Debug for WriteSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteSettings")
            .field("registration", &self.registration)
            .field("default_room_version", &self.default_room_version)
            .finish_non_exhaustive()
    }
}

/// The state of all handlers. It is copied several times a request, so it is one pointer.
#[derive(Clone)]
pub struct WriteEndpoints(Arc<WriteEndpointsState>);

/// What [`WriteEndpoints`] points to.
pub struct WriteEndpointsState {
    pub(crate) write_side: WriteSide,
    pub(crate) passwords: Passwords,
    pub(crate) media: Arc<BlobStore>,
    pub(crate) memberships: Arc<dyn Memberships>,
    pub(crate) room_aliases: Arc<dyn RoomAliases>,
    pub(crate) media_ids: Arc<dyn MediaIds>,
    pub(crate) namespaces: Arc<dyn Namespaces>,
    pub(crate) remote: Arc<dyn Remote>,
    pub(crate) settings: WriteSettings,
    pub(crate) interactive: InteractiveSessions,
    pub(crate) shared_secret: Option<Mutex<SharedSecretRegistration>>,
}

impl Deref for WriteEndpoints {
    type Target = WriteEndpointsState;

    fn deref(&self) -> &WriteEndpointsState {
        &self.0
    }
}

impl WriteEndpoints {
    /// The state over its parts.
    pub fn new(parts: WriteEndpointsParts) -> Self {
        let shared_secret = parts.settings.shared_secret.as_deref();
        let shared_secret = shared_secret.map(SharedSecretRegistration::new);
        Self(Arc::new(WriteEndpointsState {
            write_side: parts.write_side,
            passwords: parts.passwords,
            media: parts.media,
            memberships: parts.memberships,
            room_aliases: parts.room_aliases,
            media_ids: parts.media_ids,
            namespaces: parts.namespaces,
            remote: parts.remote,
            settings: parts.settings,
            interactive: InteractiveSessions::default(),
            shared_secret: shared_secret.map(Mutex::new),
        }))
    }

    /// This server's name.
    pub(crate) fn server_name(&self) -> &OwnedServerName {
        &self.write_side.identity().server_name
    }

    /// True for a name of this server.
    pub(crate) fn is_ours(&self, server: &ServerName) -> bool {
        server == self.server_name()
    }

    /// An unguessable word for URLs and JSON: 144 bits.
    pub(crate) fn random_word(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.write_side.random_bytes::<18>())
    }
}
