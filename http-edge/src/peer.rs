//! The address that a request came from.
//!
//! Owns the choice between the connection's address and what a trusted proxy says. Never trusts a
//! header from anybody else.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;

/// The address of the client, put into the request's extensions by the server loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

impl PeerAddress {
    /// The client's address: the connection's, unless that is a trusted proxy; then the last
    /// address of `X-Forwarded-For` that is not a trusted proxy itself.
    pub fn of(connection: IpAddr, headers: &HeaderMap, trusted_proxies: &[IpAddr]) -> Self {
        let connection = connection.to_canonical();
        if !trusted_proxies.contains(&connection) {
            return Self(connection);
        }
        let client = headers
            .get_all("x-forwarded-for")
            .iter()
            .rev()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.rsplit(','))
            // Something unreadable ends the chain: what stands before it may be forged.
            .map_while(|part| part.trim().parse::<IpAddr>().ok())
            .map(|address| address.to_canonical())
            .find(|address| !trusted_proxies.contains(address));
        Self(client.unwrap_or(connection))
    }

    /// The address as a key of limits: IPv6 by /64, for one customer has at least that.
    pub fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn seen(connection: &str, forwarded: &str) -> IpAddr {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().expect("a value"));
        PeerAddress::of(address(connection), &headers, &[address("10.0.0.1")]).0
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        assert_eq!(seen("1.2.3.4", "5.6.7.8"), address("1.2.3.4"));
        assert_eq!(seen("10.0.0.1", "5.6.7.8"), address("5.6.7.8"));
        // The client itself wrote the first address; the proxy appended the second.
        assert_eq!(seen("10.0.0.1", "9.9.9.9, 5.6.7.8"), address("5.6.7.8"));
        assert_eq!(seen("10.0.0.1", "junk"), address("10.0.0.1"));
    }

    #[test]
    fn one_ipv6_customer_is_one_key() {
        let first = PeerAddress(address("2001:db8:1:2::1")).network();
        let second = PeerAddress(address("2001:db8:1:2:ffff::9")).network();
        assert_eq!(first, second);
    }
}
