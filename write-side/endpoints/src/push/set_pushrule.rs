//! `PUT /pushrules/global/{kind}/{ruleId}`.

use axum::extract::State;
use commands::user::edit_push_rules;
use decide::user::push_rules::PushRuleEdit;
use http_edge::Matrix;
use ruma::api::client::push::set_pushrule::v3::{Request, Response};

use crate::{Answer, WriteEndpoints, answer};

pub(crate) async fn set_pushrule(
    State(state): State<WriteEndpoints>,
    Matrix { request, identity }: Matrix<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let edit =
        PushRuleEdit::Put { rule: request.rule, after: request.after, before: request.before };
    edit_push_rules(&state.write_side, &identity.user, &edit).await?;
    answer(Response::new())
}
