//! Who asks, and from where: read from the head of a request, before a byte of its body.
//!
//! In scope: tokens of clients, signatures of nodes, the address that limits count, whether the monitoring asks. Out of scope: what
//! the one who asks may do (`call`, the handlers), how much (`places`, `quota`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::extract::Request;
use axum::http::HeaderMap;
use licence_node::access::caller::Caller;
use licence_store::ClientRow;

use super::Web;
use super::connections::Link;
use super::signature::{SignedNode, signed_head};

/// Headers by which a proxy says for whom it asks. A request with one of them does not come from this machine itself.
const FORWARDED: [&str; 4] = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];

/// Who asks.
#[derive(Clone)]
pub(super) enum Who {
    /// A client whose token is good.
    Client(Caller),
    /// A listed node that signed the head.
    Node(Arc<SignedNode>),
    /// Anybody else: open calls are answered, others are refused before their body is read.
    Stranger,
}

impl Who {
    /// The id of the client or the authority of the node, as the request line of the log names it.
    pub(super) fn name(&self) -> &str {
        match self {
            Who::Client(caller) => caller.id(),
            Who::Node(signed) => &signed.node.authority,
            Who::Stranger => "-",
        }
    }

    /// The client, if it is one.
    pub(super) const fn client(&self) -> Option<&Caller> {
        match self {
            Who::Client(caller) => Some(caller),
            _ => None,
        }
    }
}

/// Which door a connection came through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The address of the API.
    Public,
    /// The address of the monitoring.
    Operator,
}

/// The connection on which a request came.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) peer: IpAddr,
    pub(super) door: Door,
    pub(super) link: Link,
    /// Set if the connection ends with a body unread: then the answer has to be protected from the reset (`patience`).
    pub(super) unread: Arc<AtomicBool>,
}

/// Who sent a request. A request with a token is a client's, whatever else it carries.
pub(super) fn who(web: &Web, request: &Request) -> Who {
    let headers = request.headers();
    if headers.contains_key("authorization") {
        return web.of_token(headers).map_or(Who::Stranger, |client| Who::Client(Caller::Client(client)));
    }
    if headers.contains_key("signature-input") {
        return signed_head(web, request).map_or(Who::Stranger, |node| Who::Node(Arc::new(node)));
    }
    Who::Stranger
}

impl Web {
    /// The client behind a bearer token that is good now. Reads no database.
    pub(super) fn of_token(&self, headers: &HeaderMap) -> Option<Arc<ClientRow>> {
        let (scheme, token) = headers.get("authorization")?.to_str().ok()?.split_once(' ')?;
        let bearer = scheme.eq_ignore_ascii_case("bearer");
        bearer.then(|| self.app.node.clients.of_token(token, self.app.node.clock.now())).flatten()
    }
}

/// The address that limits count: the client's, as the last proxy of ours saw it. What was written before that is anybody's word.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, proxies: &[IpAddr]) -> IpAddr {
    if !proxies.contains(&peer.to_canonical()) {
        return network(peer);
    }
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let read = |hop: &&str| hop.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    let mut addresses = hops.iter().rev().map_while(read);
    network(addresses.find(|hop| !proxies.contains(&hop.to_canonical())).unwrap_or(peer))
}

/// An address as far as it tells one client from another: of IPv6 the first half, for a client has the other half to itself.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
    }
}

/// Whether metrics and reasons are told: through the monitoring's door, or to this machine itself, but not through a proxy.
pub(super) fn is_operator(arrival: Option<&Arrival>, headers: &HeaderMap, proxies: &[IpAddr]) -> bool {
    let Some(Arrival { peer, door, .. }) = arrival else { return false };
    let peer = peer.to_canonical();
    let forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
    *door == Door::Operator || (peer.is_loopback() && !forwarded && !proxies.contains(&peer))
}

/// Where a request without a connection comes from: from nowhere.
pub(super) const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(forwarded: &[&str]) -> HeaderMap {
        forwarded.iter().map(|text| ("x-forwarded-for".parse().unwrap(), text.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_own_proxies_say_for_whom_they_ask() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxies = [ip("127.0.0.1"), ip("10.0.0.1")];
        let seen = |peer, forwarded: &[&str]| address(ip(peer), &headers(forwarded), &proxies).to_string();
        assert_eq!(seen("192.0.2.1", &["192.0.2.9"]), "192.0.2.1", "a client's own word");
        assert_eq!(seen("127.0.0.1", &["192.0.2.9"]), "192.0.2.9");
        assert_eq!(
            seen("127.0.0.1", &["1.1.1.1, 192.0.2.9, 10.0.0.1"]),
            "192.0.2.9",
            "the last that is not ours"
        );
        assert_eq!(seen("127.0.0.1", &["1.1.1.1", "192.0.2.9"]), "192.0.2.9", "repeated lines are one");
        assert_eq!(
            seen("127.0.0.1", &["1.1.1.1, rubbish"]),
            "127.0.0.1",
            "what is before rubbish is nobody's word"
        );
        assert_eq!(seen("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(seen("::ffff:127.0.0.1", &["2001:db8:1:2:3:4:5:6"]), "2001:db8:1:2::");
    }
}
