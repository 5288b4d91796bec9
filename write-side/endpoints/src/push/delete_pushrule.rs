//! `DELETE /pushrules/global/{kind}/{ruleId}`.

use axum::extract::State;
use commands::user::edit_push_rules;
use decide::user::push_rules::PushRuleEdit;
use http_edge::Matrix;
use ruma::api::client::push::delete_pushrule::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn delete_pushrule(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let edit = PushRuleEdit::Delete(request.kind, request.rule_id);
    edit_push_rules(&state.write_side, &identity.user, &edit).await?;
    answer(Response::new())
}
