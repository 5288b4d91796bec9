//! Endpoints on server-side key backups.

mod add_backup_keys;
mod add_backup_keys_for_room;
mod add_backup_keys_for_session;
mod backup_version;
mod create_backup_version;
mod delete_backup_keys;
mod delete_backup_keys_for_room;
mod delete_backup_keys_for_session;
mod delete_backup_version;
mod forget_keys;
mod update_backup_version;

use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(create_backup_version::create_backup_version)
        .endpoint(update_backup_version::update_backup_version)
        .endpoint(delete_backup_version::delete_backup_version)
        .endpoint(add_backup_keys::add_backup_keys)
        .endpoint(add_backup_keys_for_room::add_backup_keys_for_room)
        .endpoint(add_backup_keys_for_session::add_backup_keys_for_session)
        .endpoint(delete_backup_keys::delete_backup_keys)
        .endpoint(delete_backup_keys_for_room::delete_backup_keys_for_room)
        .endpoint(delete_backup_keys_for_session::delete_backup_keys_for_session)
}
