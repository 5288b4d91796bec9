//! Requests with an `auth` object.
//!
//! Owns taking `auth` out of the body before the rest gets ruma's type: clients send forms of it
//! that the type refuses (a password's `user` without an `identifier`), and those must count.

use axum::extract::{FromRequest, Request};
use http_edge::{Collected, HasEndpoint, IdentityOf, MatrixError, Servable};
use serde_json::{Map, Value};

use super::AuthDict;

/// Extracts a request of ruma's type `R` and what it shows to authenticate.
pub(crate) struct Interactive<R: Servable> {
    pub(crate) request: R,
    pub(crate) identity: IdentityOf<R>,
    pub(crate) auth: Option<AuthDict>,
}

impl<R: Servable> HasEndpoint for Interactive<R> {
    type Request = R;
}

impl<S: Send + Sync, R: Servable> FromRequest<S> for Interactive<R> {
    type Rejection = MatrixError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, MatrixError> {
        let mut collected = Collected::of(request).await?;
        let mut object = collected.object()?;
        let auth = take_auth(&mut object)?;
        collected.body = Value::Object(object).to_string().into();
        let (request, identity) = collected.typed()?;
        Ok(Self { request, identity, auth })
    }
}

fn take_auth(object: &mut Map<String, Value>) -> Result<Option<AuthDict>, MatrixError> {
    match object.remove("auth") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(auth)) => Ok(Some(auth)),
        Some(_) => Err(MatrixError::bad_json("The field auth must be an object")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn auth_is_taken_out_and_nothing_else() {
        let object = |body: Value| body.as_object().unwrap().clone();
        let mut body = object(json!({"auth": {"type": "m.login.dummy"}, "devices": ["A"]}));
        let auth = take_auth(&mut body).unwrap();
        assert_eq!(auth.unwrap()["type"], "m.login.dummy");
        assert_eq!(body, object(json!({"devices": ["A"]})));
        assert!(take_auth(&mut object(json!({"auth": 7}))).is_err());
        assert_eq!(take_auth(&mut object(json!({}))).unwrap(), None);
    }
}
