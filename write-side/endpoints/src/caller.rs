//! Where a request comes from.
//!
//! Owns taking tokens of the classes that endpoints limit by themselves (I10), and the address that
//! the audit trail names.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http_edge::{Edge, MatrixError, PeerAddress, RateClass, RateKey};

/// The edge and the address of a request.
pub(crate) struct Caller {
    edge: Edge,
    address: Option<PeerAddress>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = MatrixError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MatrixError> {
        Ok(Self {
            edge: Edge::of(&parts.extensions)?.clone(),
            address: parts.extensions.get().copied(),
        })
    }
}

impl Caller {
    /// The network address, for the audit trail.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.address.map(|address| address.0)
    }

    /// A try to log in as `account`, by address and by account.
    pub(crate) fn tries_login(&self, account: &str) -> Result<(), MatrixError> {
        self.by_address(RateClass::Login)?;
        self.edge.take(RateClass::Login, RateKey::account(account))
    }

    /// A try to register.
    pub(crate) fn tries_registration(&self) -> Result<(), MatrixError> {
        self.by_address(RateClass::Registration)
    }

    fn by_address(&self, class: RateClass) -> Result<(), MatrixError> {
        match self.address {
            Some(address) => self.edge.take(class, RateKey::Address(address.network())),
            None => Ok(()),
        }
    }
}
