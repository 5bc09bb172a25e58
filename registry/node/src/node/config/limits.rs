//! Limits of the HTTP edge, and the ceilings of clients.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use toml::Spanned;

use crate::node::config::raw::{RawConfig, RawQuota};
use crate::node::config::{ConfigError, Reader};

/// Largest ceiling of a client: more than a node answers in a day.
const MAX_QUOTA: u64 = 1_000_000_000_000;

/// Limits of the HTTP edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests at once.
    pub requests: usize,
    /// Connections at once.
    pub connections: usize,
    /// To read a body and answer.
    pub request_timeout: Duration,
    /// To read the head of a request.
    pub header_timeout: Duration,
    /// For running requests after a signal to stop.
    pub shutdown_timeout: Duration,
    /// Rows of one batch verification.
    pub batch_rows: usize,
    /// Proxies in front, whose word on the address of a client is believed.
    pub proxies: Vec<IpAddr>,
    /// Ceilings of a client.
    pub quota: Quota,
    /// Clients with ceilings of their own, by id.
    pub quotas: BTreeMap<String, Quota>,
}

/// How much one client may ask for. Lines of a batch count as requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Requests in a minute.
    pub per_minute: u64,
    /// Requests in a day of UTC.
    pub per_day: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            requests: 512,
            connections: 2_048,
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(20),
            batch_rows: 10_000,
            proxies: Vec::new(),
            quota: Quota { per_minute: 30_000, per_day: 1_000_000 },
            quotas: BTreeMap::new(),
        }
    }
}

impl Reader<'_> {
    /// The limits of a configuration.
    pub(super) fn limits(&self, raw: &RawConfig) -> Result<Limits, ConfigError> {
        let limits = &raw.limits;
        let time = |key: &str, value| self.seconds(key, value, (1, 600));
        let quota = self.quota("limits.client_per_", &limits.client_per_minute, &limits.client_per_day)?;
        let own = |(id, own): (&String, &RawQuota)| {
            let minute = own.per_minute.as_ref().unwrap_or(&limits.client_per_minute);
            let day = own.per_day.as_ref().unwrap_or(&limits.client_per_day);
            Ok((id.clone(), self.quota(&format!("limits.clients.{id}.per_"), minute, day)?))
        };
        Ok(Limits {
            requests: self.count("limits.requests", &limits.requests, 65_536)?,
            connections: self.count("limits.connections", &limits.connections, 65_536)?,
            request_timeout: time("limits.request_timeout_s", &limits.request_timeout_s)?,
            header_timeout: time("limits.header_timeout_s", &limits.header_timeout_s)?,
            shutdown_timeout: time("limits.shutdown_timeout_s", &limits.shutdown_timeout_s)?,
            batch_rows: self.count("limits.batch_rows", &limits.batch_rows, 100_000)?,
            proxies: self.proxies(raw)?,
            quota,
            quotas: limits.clients.iter().map(own).collect::<Result<_, _>>()?,
        })
    }

    fn quota(&self, key: &str, minute: &Spanned<u64>, day: &Spanned<u64>) -> Result<Quota, ConfigError> {
        Ok(Quota {
            per_minute: self.number(&format!("{key}minute"), minute, (1, MAX_QUOTA))?,
            per_day: self.number(&format!("{key}day"), day, (1, MAX_QUOTA))?,
        })
    }
}
