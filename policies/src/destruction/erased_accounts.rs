//! Accounts of persons who are to be erased.
//!
//! Owns what comes before the first key goes: an account of this server is deactivated, its
//! profile emptied, its rooms left. Whoever asked for the erasure stands in the audit trail as the
//! one who did it. Done again by every run until it is done; a crash in between costs nothing.

use commands::{
    CommandError,
    audit::By,
    governance::governance,
    room::{MemberDetails, leave_room},
    user::deactivate,
};
use decide::{governance::GovernanceRefusal, user::UserRefusal};
use projections::query::Membership;
use ruma::{OwnedUserId, RoomId, UserId};

use super::{Destroyer, RunFault, RunStep, VIEW_WAIT_MAX};

impl Destroyer {
    pub(super) async fn end_erased_accounts(&self) -> Result<(), RunFault> {
        let asked: Vec<(String, String)> = governance(&self.write_side, |fold| {
            let all = fold.erasures.iter();
            all.map(|(_, erasure)| (erasure.user.clone(), erasure.requester.clone())).collect()
        })
        .await
        .map_err(|error| RunFault::of_command::<GovernanceRefusal>(&error))?;
        for (user, requester) in asked {
            let (Ok(user), Ok(requester)) =
                (UserId::parse(user.as_str()), UserId::parse(requester.as_str()))
            else {
                continue;
            };
            if user.server_name() == self.write_side.identity().server_name {
                self.end_account(&user, &requester).await?;
            }
        }
        Ok(())
    }

    async fn end_account(&self, user: &OwnedUserId, by: &UserId) -> Result<(), RunFault> {
        let by = By::user(by, None).because(Some("erasure".to_owned()));
        match deactivate(&self.write_side, user, true, &by).await {
            // It was deactivated before, or there never was an account.
            Ok(())
            | Err(
                CommandError::Refusal(UserRefusal::Deactivated | UserRefusal::UnknownUser)
                | CommandError::PersonErased(_),
            ) => {}
            Err(error) => return Err(RunFault::of_command(&error)),
        }
        // Whoever is out of all rooms leaves none; a run that was broken off may have left some.
        self.leave_rooms(user).await
    }

    /// A room that cannot be left keeps nobody from being erased.
    async fn leave_rooms(&self, user: &OwnedUserId) -> Result<(), RunFault> {
        // The view may not have seen the leaving of an earlier run yet.
        if !self.view.wait_for(self.record.head(), VIEW_WAIT_MAX).await {
            return Err(RunFault::ViewBehind);
        }
        for room in self.rooms_of(user)? {
            let details = MemberDetails::default();
            let Ok(room_id) = RoomId::parse(room.as_str()) else { continue };
            (self.before)(RunStep::LeaveRoom);
            let left = leave_room(&self.write_side, &room_id, user.clone(), &details).await;
            if let Err(error) = left
                && !matches!(error, CommandError::Refusal(_))
            {
                tracing::warn!(?error, %room, "an erased person could not leave a room");
            }
        }
        Ok(())
    }

    fn rooms_of(&self, user: &UserId) -> Result<Vec<String>, RunFault> {
        let view = self.view.snapshot().map_err(|_| RunFault::ViewBehind)?;
        let rooms = || {
            let Some(stream) = view.user(user.as_str())? else { return Ok(Vec::new()) };
            let mut rooms = Vec::new();
            for member in view.rooms_of(stream)? {
                let is_in = matches!(
                    member.membership,
                    Membership::Join | Membership::Invite | Membership::Knock
                );
                if is_in {
                    rooms.extend(view.name(member.room)?);
                }
            }
            Ok::<_, projections::query::StoreError>(rooms)
        };
        rooms().map_err(|fault| RunFault::Describe(fault.into()))
    }
}
