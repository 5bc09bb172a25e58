//! How another node may be reached: by HTTPS, or in the clear on this machine; in the clear across a network only if somebody said so
//! by name, because identity numbers and licences travel there.

use std::net::IpAddr;

/// Whether an address would send what is asked and answered across a network in the clear.
#[must_use]
pub fn in_clear(address: &str) -> bool {
    address.strip_prefix("http://").is_some_and(|place| !is_loopback(place))
}

/// Checks the address of a host; `allowed` says whether the host stands in `addresses_in_clear`.
pub(super) fn check(host: &str, address: &str, allowed: bool) -> Result<(), String> {
    let place = address.strip_prefix("http://").or(address.strip_prefix("https://"));
    // Nothing that could end the host early or begin a path, a query or a user name.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if place.is_none_or(|place| place.is_empty() || !place.bytes().all(plain)) {
        return Err(format!(
            "`addresses.{host}` 应为不带路径的 http(s) 地址 / must be an http(s) address without a path"
        ));
    }
    if in_clear(address) && !allowed {
        return Err(format!(
            "`addresses.{host}` 以明文跨网传送证照：请改用 https://，或确认网络已加密后把该主机列入 addresses_in_clear / sends licences \
             across a network in the clear: use https://, or, where the network itself is encrypted, name the host in addresses_in_clear"
        ));
    }
    Ok(())
}

/// Whether a host, with or without a port, is this machine.
fn is_loopback(place: &str) -> bool {
    let host = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
