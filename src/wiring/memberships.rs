//! In which rooms a person is, for the write side's endpoints.

use projections::{ClientView, query::Membership};
use ruma::{OwnedRoomId, UserId, events::room::member::MembershipState};
use write_endpoints::Memberships;

pub(super) struct ViewMemberships(pub(super) ClientView);

impl Memberships for ViewMemberships {
    fn of(&self, user: &UserId) -> Vec<(OwnedRoomId, MembershipState)> {
        self.read(user).unwrap_or_default()
    }
}

impl ViewMemberships {
    fn read(&self, user: &UserId) -> Option<Vec<(OwnedRoomId, MembershipState)>> {
        let snapshot = self.0.snapshot().ok()?;
        let user = snapshot.user(user.as_str()).ok()??;
        let rooms = snapshot.rooms_of(user).ok()?;
        let named = rooms.into_iter().filter_map(|member| {
            let state = match member.membership {
                Membership::Join => MembershipState::Join,
                Membership::Invite => MembershipState::Invite,
                Membership::Knock => MembershipState::Knock,
                Membership::Leave | Membership::Ban => return None,
            };
            let name = snapshot.name(member.room).ok()??;
            Some((OwnedRoomId::try_from(name).ok()?, state))
        });
        Some(named.collect())
    }
}
