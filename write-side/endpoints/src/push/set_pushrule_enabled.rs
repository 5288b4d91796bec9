//! `PUT /pushrules/global/{kind}/{ruleId}/enabled`.

use axum::extract::State;
use commands::user::edit_push_rules;
use decide::user::push_rules::PushRuleEdit;
use http_edge::Matrix;
use ruma::api::client::push::set_pushrule_enabled::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn set_pushrule_enabled(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let edit = PushRuleEdit::SetEnabled(request.kind, request.rule_id, request.enabled);
    edit_push_rules(&state.write_side, &identity.user, &edit).await?;
    answer(Response::new())
}
