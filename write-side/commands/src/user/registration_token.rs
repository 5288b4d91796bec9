//! Making and looking at registration tokens.

use decide::registration_token::{self as rules, ServerFold, TokenRefusal};
use facts::{
    EntryHeader, Fact, Routing, Timestamp,
    fact::{RegistrationTokenCreated, StreamKind},
};

use super::{register::server_stream, token::token_hash};
use crate::{CommandError, Decision, SmallFold, WriteSide};

/// Why a token was not made.
pub type TokenError = CommandError<TokenRefusal>;

impl SmallFold for ServerFold {
    const KIND: StreamKind = StreamKind::Server;

    fn apply(&mut self, header: &EntryHeader, fact: &Fact) {
        self.evolve(header, fact);
    }
}

/// Makes a registration token.
pub async fn create_registration_token(
    ws: &WriteSide,
    token: &str,
    uses_allowed: Option<u32>,
    expires_at: Option<Timestamp>,
    makes_admin: bool,
) -> Result<(), TokenError> {
    let stream = server_stream(ws)?;
    let created = RegistrationTokenCreated {
        token_hash: token_hash(token),
        uses_allowed,
        expires_at,
        makes_admin,
    };
    let now = ws.now();
    let decide = |fold: &ServerFold| {
        let fact = rules::create_registration_token(fold, created.clone(), now)?;
        let draft =
            fact.draft(Routing::server(stream)).expect("a token's fact has no personal part");
        Ok(Decision { drafts: vec![draft], reply: () })
    };
    ws.actors::<ServerFold>().execute(stream, decide).await?;
    Ok(())
}

/// Whether a token could be used now.
pub async fn is_valid_registration_token(ws: &WriteSide, token: &str) -> Result<bool, TokenError> {
    let stream = server_stream(ws)?;
    let guard = ws.actors::<ServerFold>().lock::<TokenRefusal>(stream).await?;
    Ok(guard.fold().valid(&token_hash(token), ws.now()).is_some())
}
