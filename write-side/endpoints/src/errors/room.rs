//! Refusals of commands on a room, as Matrix's errors.
//!
//! A room that a person may not know of answers as a room that this person is not in: 403 by the
//! room's rules, and 404 only where an endpoint's specification names it.

use commands::room::RoomCommandRefusal;
use decide::{alias::AliasRefusal, room::RoomRefusal};
use http::StatusCode;
use http_edge::MatrixError;
use ruma::api::error::ErrorCode;

use super::Refusal;

impl Refusal for RoomCommandRefusal {
    fn to_matrix(&self) -> MatrixError {
        match self {
            Self::Room(refusal) => refusal.to_matrix(),
            // Endpoints by which one gets into a room say 404 for an unknown one by themselves.
            Self::UnknownRoom(_) | Self::NotInRoom(_) => {
                MatrixError::forbidden("You are not in this room")
            }
            Self::NeedsFederation(_) => {
                MatrixError::forbidden("Users of other servers cannot be invited from here")
            }
            Self::InviteBlocked(_) => {
                code(StatusCode::FORBIDDEN, "M_INVITE_BLOCKED", "This user takes no invites")
            }
            Self::MayNotPublish => {
                MatrixError::forbidden("You may not change whether this room is listed")
            }
            Self::WrongMembership { expected, .. } => {
                MatrixError::forbidden(format!("The user is not {expected}"))
            }
            Self::UnableToGrantJoin => code(
                StatusCode::FORBIDDEN,
                "M_UNABLE_TO_GRANT_JOIN",
                "No member of this server may let you into this room",
            ),
            Self::UnableToAuthoriseJoin => code(
                StatusCode::FORBIDDEN,
                "M_UNABLE_TO_AUTHORISE_JOIN",
                "This server cannot check whether you may join this room",
            ),
            Self::UnknownEvent(_) => MatrixError::not_found("There is no such event"),
            Self::RoomExists(_) => MatrixError::conflict("This room exists"),
            // The code that `POST /createRoom` has for it, where the alias's own endpoint has
            // another.
            Self::Alias(AliasRefusal::Taken) => {
                MatrixError::room_in_use("This room alias points to a room already")
            }
            Self::Alias(refusal) => refusal.to_matrix(),
        }
    }
}

impl Refusal for RoomRefusal {
    fn to_matrix(&self) -> MatrixError {
        match self {
            // The rule is one of the room version's, and names no content.
            Self::Forbidden { rule } => {
                MatrixError::forbidden(format!("The room does not allow this: {rule}"))
            }
            Self::UnsupportedRoomVersion(_) => MatrixError::unsupported_room_version(
                "This server cannot make rooms of this version",
            ),
            Self::InvalidRoomState(why) => code(
                StatusCode::BAD_REQUEST,
                "M_INVALID_ROOM_STATE",
                &format!("The room's first state is not valid: {why}"),
            ),
            Self::TooLarge => MatrixError::too_large("The event is too large"),
            Self::Malformed(why) => {
                MatrixError::bad_json(format!("This event cannot be sent: {why}"))
            }
            Self::ThirdPartyInvite => code(
                StatusCode::FORBIDDEN,
                "M_THREEPID_DENIED",
                "This server invites nobody by mail address or phone number",
            ),
            Self::MissingInput(event_id) => {
                // Commands load what is missing and decide again; this one gave up.
                tracing::error!(%event_id, "a decision lacked an event");
                MatrixError::internal()
            }
            Self::UnknownRoom => MatrixError::not_found("This server does not know this room"),
        }
    }
}

fn code(status: StatusCode, errcode: &str, message: &str) -> MatrixError {
    MatrixError::new(status, ErrorCode::from(errcode), message)
}

#[cfg(test)]
mod tests {
    use ruma::{RoomVersionId, owned_event_id, owned_room_id, owned_user_id};

    use super::*;
    use crate::errors::tests::line;

    #[test]
    fn the_table_of_a_rooms_refusals() {
        let all = [
            RoomRefusal::Forbidden { rule: "the sender is not joined".to_owned() },
            RoomRefusal::UnsupportedRoomVersion(RoomVersionId::V1),
            RoomRefusal::InvalidRoomState("the name is too long".to_owned()),
            RoomRefusal::TooLarge,
            RoomRefusal::Malformed("a number is no integer".to_owned()),
            RoomRefusal::ThirdPartyInvite,
            RoomRefusal::MissingInput(owned_event_id!("$event")),
            RoomRefusal::UnknownRoom,
        ];
        insta::assert_snapshot!(all.iter().map(line).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn the_table_of_refusals_of_commands_on_a_room() {
        let room = || owned_room_id!("!room:example.org");
        let all = [
            RoomCommandRefusal::Room(RoomRefusal::TooLarge),
            RoomCommandRefusal::UnknownRoom(room()),
            RoomCommandRefusal::NotInRoom(room()),
            RoomCommandRefusal::WrongMembership {
                user: owned_user_id!("@bob:example.org"),
                expected: "banned",
            },
            RoomCommandRefusal::NeedsFederation(owned_user_id!("@bob:elsewhere.org")),
            RoomCommandRefusal::InviteBlocked(owned_user_id!("@bob:example.org")),
            RoomCommandRefusal::MayNotPublish,
            RoomCommandRefusal::UnableToGrantJoin,
            RoomCommandRefusal::UnableToAuthoriseJoin,
            RoomCommandRefusal::UnknownEvent(owned_event_id!("$event")),
            RoomCommandRefusal::RoomExists(room()),
            RoomCommandRefusal::Alias(AliasRefusal::Taken),
            RoomCommandRefusal::Alias(AliasRefusal::NotOurs),
        ];
        insta::assert_snapshot!(all.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
}
