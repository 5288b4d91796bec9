//! `POST /keys/device_signing/upload`.
//!
//! The first keys of a person need no second proof, nor do keys that are there already; to replace
//! any does (client-server API, "Cross-signing").

use axum::extract::State;
use commands::user::{needs_authentication, upload_cross_signing};
use decide::user::CrossSigningUpload;
use ruma::{
    api::client::keys::upload_signing_keys::v3::{Request, Response},
    encryption::CrossSigningKey,
    serde::Raw,
};

use crate::{
    Answer, WriteEndpoints, answer,
    caller::Caller,
    interactive::{Interactive, prove_owner},
};

pub(crate) async fn upload_signing_keys(
    State(state): State<WriteEndpoints>,
    caller: Caller,
    Interactive { request, identity, auth }: Interactive<Request>,
) -> Answer<Response> {
    identity.refuse_guest()?;
    let upload = CrossSigningUpload {
        master: as_sent(request.master_key.as_ref()),
        self_signing: as_sent(request.self_signing_key.as_ref()),
        user_signing: as_sent(request.user_signing_key.as_ref()),
    };
    let (write_side, user) = (&state.write_side, &identity.user);
    let needed = needs_authentication(write_side, user, &upload).await?;
    if needed {
        prove_owner(&state, &caller, &identity, "upload_signing_keys", auth.as_ref()).await?;
    }
    upload_cross_signing(write_side, user, &upload, needed).await?;
    answer(Response::new())
}

fn as_sent(key: Option<&Raw<CrossSigningKey>>) -> Option<String> {
    key.map(|key| key.json().get().to_owned())
}
