//! Reading what the staff itself does: those who watch are seen too.

use decide::governance::{GovernanceFold, GovernanceRefusal};
use facts::{
    Fact, LogPosition, Routing,
    fact::{StaffRecord, StaffRecordRead},
};

use super::{Actor, GovernanceError, access_content::append_if, audit_stream, governance};
use crate::{CommandError, WriteSide};

/// Records that an officer or auditor reads `record`; once this answers it is durable, and the
/// record may be served.
pub async fn read_staff_record(
    ws: &WriteSide,
    actor: &Actor,
    record: StaffRecord,
) -> Result<LogPosition, GovernanceError> {
    let allowed = |fold: &GovernanceFold| fold.roles.require_staff(actor.user.as_str());
    // Strangers leave no trace here: they could fill the trail.
    governance(ws, allowed).await?.map_err(CommandError::Refusal)?;
    let fact: Fact =
        StaffRecordRead { record, user: actor.user.to_string(), address: actor.address_text() }
            .into();
    let audit = audit_stream(ws)?;
    let person = ws.ensure_user::<GovernanceRefusal>(&actor.user)?;
    let draft = fact
        .draft(Routing { actor: person.into(), ..Routing::server(audit) })
        .expect("a fact of the audit trail has no personal part");
    append_if(ws, &draft, allowed).await
}
