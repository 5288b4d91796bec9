//! Endpoints that change a membership.

mod ban_user;
mod enter;
mod find_room;
mod forget_room;
mod invite_user;
mod join_room_by_id;
mod join_room_by_id_or_alias;
mod kick_user;
mod knock_room;
mod leave_room;
mod member_profile;
mod unban_user;

pub(crate) use self::member_profile::{MEMBER_FIELDS, member_profile};
use crate::routes::Routes;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .endpoint(join_room_by_id::join_room_by_id)
        .endpoint(join_room_by_id_or_alias::join_room_by_id_or_alias)
        .endpoint(knock_room::knock_room)
        .endpoint(invite_user::invite_user)
        .endpoint(leave_room::leave_room)
        .endpoint(forget_room::forget_room)
        .endpoint(kick_user::kick_user)
        .endpoint(ban_user::ban_user)
        .endpoint(unban_user::unban_user)
}
