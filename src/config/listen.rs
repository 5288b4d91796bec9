//! `[listen]`: the sockets.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use super::section::section;

section! {
    /// The sockets. A listener that is not named does not exist.
    Listen {
        /// Clients, in clear: a reverse proxy with TLS stands before it. Also serves /health.
        client: Option<SocketAddr> = Some(SocketAddr::from(([127, 0, 0, 1], 8008)));
        /// Other servers.
        federation: Option<SocketAddr> = None, sample "\"0.0.0.0:8448\"";
        /// Certificate chain of the federation listener, PEM. Needs `tls_key`.
        tls_cert: Option<PathBuf> = None, sample "\"/etc/chancery/fullchain.pem\"";
        /// Private key of `tls_cert`, PEM.
        tls_key: Option<PathBuf> = None, sample "\"/etc/chancery/privkey.pem\"";
        /// Operators: /metrics. Keep it on a private address.
        admin: Option<SocketAddr> = None, sample "\"127.0.0.1:8009\"";
        /// Addresses of reverse proxies whose X-Forwarded-For is believed.
        trusted_proxies: Vec<IpAddr> = Vec::new();
    }
}
