//! Who may see an event (client-server API, `m.room.history_visibility`, "Server behaviour").
//!
//! Owns the rule as a pure function of what a view answers: visibility and membership at the
//! event, and whether the user joined since.

use ruma::events::room::{history_visibility::HistoryVisibility, member::MembershipState};

/// What the rule reads of one event and one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFrom {
    /// History visibility in the state after the event.
    pub visibility: HistoryVisibility,
    /// The visibility before the event, where the event changes it.
    pub visibility_before: Option<HistoryVisibility>,
    /// The user's membership in the state after the event.
    pub membership: MembershipState,
    /// The membership before the event, where the event changes it.
    pub membership_before: Option<MembershipState>,
    /// True where the user was joined at any time after the event.
    pub joined_since: bool,
}

impl SeenFrom {
    /// An event that changes neither visibility nor the user's membership.
    pub fn plain(
        visibility: HistoryVisibility,
        membership: MembershipState,
        joined_since: bool,
    ) -> Self {
        Self {
            visibility,
            visibility_before: None,
            membership,
            membership_before: None,
            joined_since,
        }
    }
}

/// Whether the user may see the event. Where the event itself changes visibility or membership,
/// the more generous side counts.
pub fn is_visible(seen: &SeenFrom) -> bool {
    let visibilities = [Some(&seen.visibility), seen.visibility_before.as_ref()];
    let memberships = [Some(&seen.membership), seen.membership_before.as_ref()];
    visibilities.into_iter().flatten().any(|visibility| {
        memberships
            .into_iter()
            .flatten()
            .any(|membership| allows(visibility, membership, seen.joined_since))
    })
}

fn allows(
    visibility: &HistoryVisibility,
    membership: &MembershipState,
    joined_since: bool,
) -> bool {
    if *membership == MembershipState::Join {
        return true;
    }
    match visibility {
        HistoryVisibility::WorldReadable => true,
        HistoryVisibility::Invited => *membership == MembershipState::Invite,
        HistoryVisibility::Joined => false,
        // "shared", and what is not known: the spec's default.
        _ => joined_since,
    }
}

/// The visibility that a content names; "shared" where it names none.
pub fn history_visibility(named: Option<&str>) -> HistoryVisibility {
    match named {
        Some(known @ ("world_readable" | "invited" | "joined")) => known.into(),
        _ => HistoryVisibility::Shared,
    }
}
