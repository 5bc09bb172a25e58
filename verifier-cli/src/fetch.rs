//! The network: one GET of a bundle (`sync`) or of the licence behind a reference (`check --fetch`), bounded in size and time.
//!
//! Authenticity never rests on the connection: every part of a bundle is verified before it is kept, and a licence must have
//! the digest that the reference names. Whom a call reaches is said by the caller alone: no redirect is followed, and no proxy
//! is taken from the environment.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use licence_spec::numbers::{MAX_BUNDLE, MAX_LICENCE};
use licence_spec::qr::Reference;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use crate::Failure;
use crate::arguments::NetworkOptions;
use crate::place::read_bounded;

/// Longest time for a bundle: 64 MiB at 2 Mbit/s.
const BUNDLE_DEADLINE: Duration = Duration::from_secs(300);
/// Longest time for a licence: somebody stands at the counter.
const LICENCE_DEADLINE: Duration = Duration::from_secs(30);
/// Longest time for one silence.
const SILENCE: Duration = Duration::from_secs(20);
/// Largest file of CA certificates: the whole list of a system is some 250 KB.
const MAX_CA: usize = 1024 * 1024;

/// Whether a source is an address and not a path.
pub(crate) fn is_address(source: &str) -> bool {
    let begins =
        |scheme: &str| source.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    begins("https://") || begins("http://")
}

/// An address with its scheme and host in small letters, which mean the same (RFC 3986 §3.1, §3.2.2).
fn in_small_letters(address: &str) -> String {
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find('/').map_or(address.len(), |at| host + at);
    address[..end].to_ascii_lowercase() + &address[end..]
}

/// Fetches `<address>/v1/bundle`; an address that names it already is taken as it is.
///
/// With `ca` the CAs in that PEM file are trusted, and no others.
pub(crate) fn bundle(address: &str, allow_plain_http: bool, ca: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let address = &in_small_letters(address);
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
    if ca.is_some() && uri.scheme_str() != Some("https") {
        return Err(Failure::Usage("--ca 只用于 https:// / --ca goes with https:// only".to_owned()));
    }
    let roots = ca.map_or(Ok(RootCerts::PlatformVerifier), read_ca)?;
    get(&uri, roots, MAX_BUNDLE, BUNDLE_DEADLINE)
        .and_then(|(status, bytes)| {
            anyhow::ensure!(status == 200, "HTTP {status}");
            Ok(bytes)
        })
        .map_err(explain)
        .with_context(|| format!("无法从 {host} 取得证据 / cannot fetch from {host}"))
        .map_err(Failure::from)
}

/// Fetches the licence behind a reference, whose host the caller has found in the trust list; no bytes if the host says that
/// it has none. Confidentiality does rest on the connection: https, or an address of this machine.
pub(crate) fn licence(reference: &Reference, options: &NetworkOptions) -> Result<Vec<u8>, Failure> {
    let host = &reference.host;
    let base = address_of(host, &options.addresses)?;
    // The cti is a bearer value: it stands in no message.
    let uri: Uri = format!("{base}/v1/references/{}", hex::encode(reference.cti))
        .parse()
        .map_err(|_| Failure::Usage(format!("地址有误 / not an address: {base}")))?;
    if uri.scheme_str() != Some("https") && !uri.host().is_some_and(is_loopback) {
        return Err(Failure::Usage(format!(
            "{host} 的地址须为 https:// 或本机 / the address of {host} must be https:// or on this machine"
        )));
    }
    let roots = options.ca.as_deref().map_or(Ok(RootCerts::PlatformVerifier), read_ca)?;
    get(&uri, roots, MAX_LICENCE, LICENCE_DEADLINE)
        .and_then(|(status, bytes)| match status {
            200 => Ok(bytes),
            404 => Ok(Vec::new()),
            _ => Err(anyhow::anyhow!("HTTP {status}")),
        })
        .map_err(explain)
        .with_context(|| format!("未能从 {host} 取得证照 / the licence could not be fetched from {host}"))
        .map_err(Failure::from)
}

/// Where a host is: as it was told, else under its name.
fn address_of(host: &str, told: &[String]) -> Result<String, Failure> {
    for pair in told {
        let (name, url) = pair.split_once('=').filter(|(_, url)| is_address(url)).ok_or_else(|| {
            Failure::Usage(format!("--address 应为 HOST=URL / --address wants HOST=URL: {pair}"))
        })?;
        if name.eq_ignore_ascii_case(host) {
            return Ok(in_small_letters(url).trim_end_matches('/').to_owned());
        }
    }
    Ok(format!("https://{host}"))
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The CA certificates of a PEM file.
fn read_ca(path: &Path) -> Result<RootCerts> {
    let shown = path.display();
    let unusable =
        || format!("{shown} 不含可用的 CA 证书（PEM） / {shown} holds no usable CA certificate (PEM)");
    let (mut certificates, mut store) = (Vec::new(), RootCertStore::empty());
    for item in ureq::tls::parse_pem(&read_bounded(path, MAX_CA)?) {
        if let PemItem::Certificate(certificate) = item.with_context(unusable)? {
            // ureq would pass over what it cannot use, and then trust nobody without a word.
            store.add(CertificateDer::from(certificate.der())).with_context(unusable)?;
            certificates.push(certificate);
        }
    }
    anyhow::ensure!(!certificates.is_empty(), unusable());
    Ok(RootCerts::from(certificates))
}

/// Says what a refused certificate means and what to do about it.
fn explain(error: anyhow::Error) -> anyhow::Error {
    let refused = error.chain().find_map(|cause| match cause.downcast_ref::<ureq::Error>() {
        Some(ureq::Error::Rustls(error)) => Some(error),
        Some(ureq::Error::Io(error)) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        _ => cause.downcast_ref(),
    });
    match refused {
        Some(rustls::Error::InvalidCertificate(reason)) => anyhow::anyhow!(
            "对方的证书不受信任（{reason:?}）；单位内部 CA 请用 --ca FILE / the server's certificate is not trusted ({reason:?}); for an internal CA use --ca FILE"
        ),
        _ => error,
    }
}

/// One GET: the status, and at most `cap` bytes.
fn get(uri: &Uri, roots: RootCerts, cap: usize, deadline: Duration) -> Result<(u16, Vec<u8>)> {
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(roots)
        .build();
    let config = ureq::config::Config::builder()
        .tls_config(tls)
        // The library would ask the environment.
        .proxy(None)
        // Redirects would lead past the check of the address.
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(deadline))
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .build();
    let mut answer = ureq::Agent::new_with_config(config).get(uri).call()?;
    let status = answer.status().as_u16();
    Ok((status, answer.body_mut().with_config().limit(cap as u64).read_to_vec()?))
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
        assert!(matches!(bundle("http://192.0.2.1", false, None), Err(Failure::Usage(_))));
        assert!(matches!(bundle("HTTP://192.0.2.1", false, None), Err(Failure::Usage(_))));
    }

    #[test]
    fn schemes_and_hosts_mean_the_same_in_capitals_and_paths_do_not() {
        assert!(["HTTP://a", "hTTps://a"].into_iter().all(is_address));
        assert!(!["ftp://a", "a/http://b", "http:/a", "é"].into_iter().any(is_address));
        assert_eq!(in_small_letters("HTTP://LocalHost:80/V1/x"), "http://localhost:80/V1/x");
        assert_eq!(in_small_letters("HTTPS://A"), "https://a");
    }
}
