//! The wiring of the layers: log, client view, write side, and the endpoints over them.
//!
//! Owns the order of opening and closing. The log recovers first; the view and the folds are
//! brought up to its head by the same code as in normal operation (I7); closing goes the other
//! way round. Contains no rule.

mod blobs;
mod destruction;
mod first_token;
mod ledger;
mod media_ids;
mod memberships;
mod room_aliases;
mod sessions;
mod view_watch;
mod wishes;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::Router;
use commands::{
    ServerIdentity, WriteSide, WriteSideParts,
    media::BlobStore,
    user::{Passwords, TokenLifetimes},
};
use decide::user::uia::RegistrationMode;
use event_log::{Log, LogOptions, Random as _, SystemRandom};
use http_edge::{Edge, dress};
use policies::{
    StaffRoutes,
    destruction::{Destruction, Sweep},
    staff_router,
};
use projections::{ClientView, follower::FollowerHandle};
use read_side::{ReadSettings, ReadSide, ReadSideParts};
use ruma::RoomVersionId;
use write_endpoints::{NoNamespaces, NoRemote, WriteEndpoints, WriteEndpointsParts, WriteSettings};

use self::{
    blobs::StoredBlobs, destruction::PublishedRules, ledger::LedgerThread, media_ids::ViewMediaIds,
    memberships::ViewMemberships, room_aliases::ViewRoomAliases, sessions::ViewSessions,
    view_watch::ClientViewWatch, wishes::WishQueue,
};
use crate::{
    backup::LiveLog,
    clock::SystemClock,
    config::{Config, registration},
    http_server::{edge_bounds, health_route},
    offsite::OffsiteThread,
    shutdown::Stopping,
    user_admin::UserAdmin,
};

/// A view that is built anew may take as long as this.
const CATCH_UP_MAX: Duration = Duration::from_hours(1);
/// A `/sync` waits at most this long; clients ask for 30 s.
const SYNC_WAIT_MAX: Duration = Duration::from_mins(5);
/// How long an access token that can be refreshed lives (Synapse's default is 5 minutes).
const REFRESHABLE_ACCESS_MS: u64 = 60 * 60 * 1000;

/// All layers, open.
pub(crate) struct Layers {
    pub(crate) log: Arc<Log>,
    pub(crate) view: ClientView,
    pub(crate) write_side: WriteSide,
    pub(crate) passwords: Passwords,
    blobs: Arc<BlobStore>,
    wishes: WishQueue,
    follower: FollowerHandle,
    ledger: LedgerThread,
    destruction: Destruction,
    offsite: Option<OffsiteThread>,
    /// Taken when it begins.
    sweep: Option<Sweep>,
}

/// Where a configuration has its log, and how it writes it.
pub(crate) fn log_options(config: &Config) -> LogOptions {
    let server = &config.server;
    let mut options = LogOptions::new(&server.data_dir, server.name.as_str());
    if let Some(dir) = &config.keys.dir {
        options.keys_dir.clone_from(dir);
    }
    options.orders_kept_offsite = config.offsite.ship_to.is_some();
    options
}

impl Layers {
    /// Opens everything on a log that is open already.
    pub(crate) async fn open(config: &Config, log: Arc<Log>) -> anyhow::Result<Self> {
        let data_dir = &config.server.data_dir;
        let name = &config.server.name;
        let (view, follower) = ClientView::start(Arc::clone(&log) as _, data_dir, name.as_str())
            .context("the client view cannot be opened")?;
        let identity =
            ServerIdentity::load_or_create(name.clone(), &log.options().keys_dir, &SystemRandom)?;
        let mut parts = WriteSideParts::new(
            Arc::clone(&log) as _,
            data_dir.join("folds"),
            Arc::new(identity),
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
        );
        parts.view = Arc::new(ClientViewWatch(view.clone()));
        let write_side = WriteSide::open(parts).await.context("the folds cannot be opened")?;
        destruction::publish(&write_side).await?;
        let blobs = BlobStore::open(data_dir.join("media"))
            .await
            .context("the media directory cannot be opened")?;
        let blobs = Arc::new(blobs);
        // Before anything can be uploaded.
        let sweep = Sweep::begin(Arc::clone(&log) as _, Arc::clone(&blobs))
            .await
            .context("the media directory cannot be listed")?;
        let wishes = WishQueue::start(write_side.clone());
        let ledger = open_ledger(config, Arc::clone(&log)).await?;
        let live = LiveLog { log: Arc::clone(&log), ledger: ledger.ledger() };
        let offsite = OffsiteThread::start(config, live, write_side.clone())?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            log,
            view,
            write_side,
            passwords: Passwords::new(cores),
            blobs,
            wishes,
            follower,
            ledger,
            destruction: destruction::idle(),
            offsite,
            sweep: Some(sweep),
        })
    }

    /// The routes of the listener for clients.
    pub(crate) fn client_routes(
        &self,
        config: &Config,
        edge: Edge,
        stopping: &Stopping,
    ) -> anyhow::Result<Router> {
        let (view, log) = (self.view.clone(), Arc::clone(&self.log));
        let ready = move || log.stopped().is_none() && view.snapshot().is_ok();
        let orders = self.offsite.as_ref().map(OffsiteThread::orders);
        let offsite = move || orders.as_ref().map(OffsiteThread::is_taken);
        let routes = health_route(ready, offsite)
            .merge(read_side::router(self.read_side(config, stopping)))
            .merge(write_endpoints::router(self.write_endpoints(config)?))
            .merge(self.ledger.routes(config, &self.write_side))
            .merge(staff_router(self.staff_routes()));
        Ok(dress(routes, edge))
    }

    /// The edge of the listener for clients.
    pub(crate) fn client_edge(&self, config: &Config) -> Edge {
        let sessions = ViewSessions::new(self.view.clone(), self.wishes.clone());
        Edge::new(Arc::new(sessions), Arc::new(SystemClock), edge_bounds(config))
    }

    /// Waits until the view has everything that the log has.
    pub(crate) async fn caught_up(&self) {
        self.view.wait_for(self.log.head(), CATCH_UP_MAX).await;
    }

    /// What `chancery user` asks for, done here.
    pub(crate) fn user_admin(&self) -> UserAdmin {
        UserAdmin {
            write_side: self.write_side.clone(),
            passwords: self.passwords.clone(),
            view: self.view.clone(),
            live: LiveLog { log: Arc::clone(&self.log), ledger: self.ledger.ledger() },
        }
    }

    /// Makes the first registration token if nobody could get in otherwise.
    pub(crate) async fn first_token(&self, config: &Config) -> anyhow::Result<()> {
        first_token::offer(self, config).await
    }

    /// Closes in order: nothing new is decided, the folds are flushed, the log ends with a closing
    /// write. A crash anywhere in here costs the next start a replay, nothing else.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.write_side.close().await.context("the folds were not flushed")?;
        let (log, follower, ledger) = (self.log, self.follower, self.ledger);
        let offsite = self.offsite;
        tokio::task::spawn_blocking(move || {
            drop(offsite);
            log.close();
            drop(follower);
            drop(ledger);
        })
        .await
        .context("closing the log broke off")
    }

    fn staff_routes(&self) -> StaffRoutes {
        StaffRoutes {
            write_side: self.write_side.clone(),
            record: Arc::clone(&self.log) as _,
            view: self.view.clone(),
            destruction: self.destruction.clone(),
            ledger: self.ledger.ledger(),
            blobs: Arc::clone(&self.blobs),
        }
    }

    fn read_side(&self, config: &Config, stopping: &Stopping) -> ReadSide {
        let mut boot = [0; 4];
        SystemRandom.fill(&mut boot);
        ReadSide::new(ReadSideParts {
            view: self.view.clone(),
            clock: Arc::new(SystemClock),
            wishes: Arc::new(self.wishes.clone()),
            blobs: Arc::new(StoredBlobs(Arc::clone(&self.blobs))),
            keeping: Arc::new(PublishedRules(self.write_side.clone())),
            stopping: stopping.watch(),
            settings: ReadSettings {
                server_name: config.server.name.clone(),
                public_base_url: config.server.public_base_url.clone(),
                default_room_version: config.rooms.default_version.to_string(),
                upload_bytes_max: u64::try_from(config.media.upload_bytes).unwrap_or(u64::MAX),
                sync_wait_max: SYNC_WAIT_MAX,
                boot_id: u32::from_be_bytes(boot),
            },
        })
    }

    fn write_endpoints(&self, config: &Config) -> anyhow::Result<WriteEndpoints> {
        let default_room_version: RoomVersionId =
            config.rooms.default_version.to_string().as_str().try_into()?;
        let shared_secret = config
            .registration
            .shared_secret_file
            .as_deref()
            .map(registration::read_shared_secret)
            .transpose()?;
        Ok(WriteEndpoints::new(WriteEndpointsParts {
            write_side: self.write_side.clone(),
            passwords: self.passwords.clone(),
            media: Arc::clone(&self.blobs),
            memberships: Arc::new(ViewMemberships(self.view.clone())),
            room_aliases: Arc::new(ViewRoomAliases(self.view.clone())),
            media_ids: Arc::new(ViewMediaIds(self.view.clone())),
            namespaces: Arc::new(NoNamespaces),
            remote: Arc::new(NoRemote),
            settings: WriteSettings {
                registration: registration_mode(config),
                shared_secret,
                default_room_version,
                public_base_url: config.server.public_base_url.clone(),
                token_lifetimes: TokenLifetimes {
                    refreshable_access_ms: Some(REFRESHABLE_ACCESS_MS),
                    plain_access_ms: None,
                },
            },
        }))
    }
}

async fn open_ledger(config: &Config, log: Arc<Log>) -> anyhow::Result<LedgerThread> {
    let config = config.clone();
    tokio::task::spawn_blocking(move || LedgerThread::start(&config, log))
        .await
        .context("opening the ledger broke off")?
}

fn registration_mode(config: &Config) -> RegistrationMode {
    match config.registration.mode {
        registration::RegistrationMode::Closed => RegistrationMode::Closed,
        registration::RegistrationMode::Token => RegistrationMode::Token,
        registration::RegistrationMode::Open => RegistrationMode::Open,
    }
}
