//! The network: one GET of a bundle, bounded in size and time. Only `sync` calls it.
//!
//! Authenticity never rests on the connection: every part of a bundle is verified before it is kept.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use licence_spec::numbers::MAX_BUNDLE;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};

use crate::Failure;

/// Longest time for the whole call: 64 MiB at 2 Mbit/s.
const DEADLINE: Duration = Duration::from_secs(300);
/// Longest time for one silence.
const SILENCE: Duration = Duration::from_secs(20);

/// Whether a source is an address and not a path.
pub(crate) fn is_address(source: &str) -> bool {
    source.starts_with("https://") || source.starts_with("http://")
}

/// Fetches `<address>/v1/bundle`; an address that names it already is taken as it is.
pub(crate) fn bundle(address: &str, allow_plain_http: bool) -> Result<Vec<u8>, Failure> {
    let url = address.trim_end_matches('/');
    let url = if url.ends_with("/v1/bundle") { url.to_owned() } else { format!("{url}/v1/bundle") };
    let uri: Uri =
        url.parse().map_err(|_| Failure::Usage(format!("地址有误 / not an address: {address}")))?;
    let host = uri.host().unwrap_or_default();
    if uri.scheme_str() == Some("http") && !is_loopback(host) && !allow_plain_http {
        return Err(Failure::Usage(format!(
            "{host} 不是本机，请用 https:// 或 --allow-plain-http / {host} is not this machine: use https:// or --allow-plain-http"
        )));
    }
    get(&uri)
        .with_context(|| format!("无法从 {host} 取得证据 / cannot fetch from {host}"))
        .map_err(Failure::from)
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn get(uri: &Uri) -> Result<Vec<u8>> {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    // No redirects: they would lead past the check of the address above.
    let config = ureq::config::Config::builder()
        .tls_config(tls)
        .max_redirects(0)
        .timeout_global(Some(DEADLINE))
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .build();
    let mut answer = ureq::Agent::new_with_config(config).get(uri).call()?;
    anyhow::ensure!(answer.status() == 200, "HTTP {}", answer.status());
    Ok(answer.body_mut().with_config().limit(MAX_BUNDLE as u64).read_to_vec()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        assert!(["localhost", "127.0.0.1", "127.9.9.9", "[::1]"].into_iter().all(is_loopback));
        assert!(
            !["localhost.example", "10.0.0.1", "[::2]", "", "127.0.0.1.example"].into_iter().any(is_loopback)
        );
        assert!(matches!(bundle("http://192.0.2.1", false), Err(Failure::Usage(_))));
    }
}
