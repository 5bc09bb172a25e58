//! The one client by which a node asks other nodes: bounded, timed, conditional, signed where the call wants it.
//!
//! In scope: requests and their limits, tags of what is held, when a node that fails is asked again. Out of scope: what the
//! answers are worth (`documents`, `trips`). A URI in a signed object is a name; an address comes from the configuration. No redirects, no
//! proxy from the environment, HTTPS unless the configuration maps the host to an address in the clear (`config`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use licence_spec::http_signature::{self, Content, IdempotencyKey};
use licence_spec::time::UnixTime;

use crate::exchange::error::ExchangeError;
use crate::node::Node;
use crate::node::config::Source;
use crate::node::encoding::base64url;
use crate::node::keys::Usage;
use crate::node::log::origin_of;

/// Longest time for one request.
const DEADLINE: Duration = Duration::from_secs(30);
/// Pauses after failures, seconds: doubled from the first to the last.
const PAUSES_S: (i64, i64) = (1, 300);

/// Another node, as this one asks it.
#[derive(Clone)]
pub struct Peer {
    source: Source,
    agent: ureq::Agent,
    tags: Arc<Mutex<HashMap<String, String>>>,
    pause: Arc<Mutex<(u32, i64)>>,
}

/// What a fetch brought.
pub enum Fetched {
    /// The file.
    New(Vec<u8>),
    /// The same as last time.
    Same,
}

/// An answer to a signed request.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body, at most as long as was allowed.
    pub body: Vec<u8>,
}

/// The client by which this program asks an address, for requests of this length at most. Wherever it asks another program over HTTP, it
/// asks by this. The address is asked and nobody else: whoever answers there cannot send the question on, to an address in this
/// network for instance, nor can the environment of the process. HTTPS, unless the address says otherwise, which the configuration permits.
#[must_use]
pub fn agent(deadline: Duration, address: &str) -> ureq::Agent {
    let config = ureq::config::Config::builder()
        .timeout_global(Some(deadline))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .https_only(!address.starts_with("http://"))
        .build();
    ureq::Agent::new_with_config(config)
}

impl Peer {
    /// A peer that has not been asked yet.
    #[must_use]
    pub fn new(source: Source) -> Peer {
        Peer::within(source, DEADLINE)
    }

    /// The same, for requests of this length at most.
    #[must_use]
    pub fn within(source: Source, deadline: Duration) -> Peer {
        let agent = agent(deadline, &source.address);
        Peer { source, agent, tags: Arc::default(), pause: Arc::default() }
    }

    /// Host of its public URL.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.source.host
    }

    /// Name of its log.
    #[must_use]
    pub fn origin(&self) -> String {
        origin_of(&self.source.host)
    }

    /// Whether it may be asked again at `now`, after failures.
    #[must_use]
    pub fn may_be_asked(&self, now: UnixTime) -> bool {
        now.0 >= self.pause.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Notes how a run went: after each failure in a row the pause doubles, to five minutes, more or less a quarter by chance,
    /// so that cities that lost their province do not all come back in one second.
    pub fn note(&self, succeeded: bool, node: &Node) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if succeeded {
            *pause = (0, 0);
            return;
        }
        // Without randomness the pause is as long as it is.
        let chance = node.rng.bytes::<1>().map_or(128, |[byte]| i64::from(byte));
        *pause = after_failure(*pause, node.clock.now().0, chance);
    }

    /// Fetches a file of at most `cap` bytes.
    ///
    /// # Errors
    /// What went wrong, naming the address.
    pub fn get(&self, path: &str, cap: usize) -> Result<Vec<u8>, ExchangeError> {
        match self.request(path, cap, None)? {
            Fetched::New(bytes) => Ok(bytes),
            Fetched::Same => Err(ExchangeError::NotOurs(self.named("304 without a tag"))),
        }
    }

    /// Fetches a file of at most `cap` bytes; `None` if the other node answers that there is none.
    ///
    /// # Errors
    /// As [`Peer::get`].
    pub fn get_if_there(&self, path: &str, cap: usize) -> Result<Option<Vec<u8>>, ExchangeError> {
        let request = self.agent.get(format!("{}{path}", self.source.address));
        let mut answer = request.call().map_err(|error| self.broken("", &error))?;
        match answer.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            status => return Err(ExchangeError::Refuses(self.named(&format!("{status}")))),
        }
        let bytes = answer.body_mut().with_config().limit(cap as u64).read_to_vec();
        bytes.map(Some).map_err(|error| self.broken("", &error))
    }

    /// Fetches a file of at most `cap` bytes unless it is the one that came last time.
    ///
    /// # Errors
    /// As [`Peer::get`].
    pub fn get_if_new(&self, path: &str, cap: usize) -> Result<Fetched, ExchangeError> {
        let held = self.tags.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        self.request(path, cap, held)
    }

    /// Forgets the tag of a file that was fetched and could not be taken: it is fetched again next time.
    pub fn forget(&self, path: &str) {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }

    fn request(&self, path: &str, cap: usize, held: Option<String>) -> Result<Fetched, ExchangeError> {
        let mut request = self.agent.get(format!("{}{path}", self.source.address));
        if let Some(tag) = held {
            request = request.header("if-none-match", tag);
        }
        let mut answer = request.call().map_err(|error| self.broken("", &error))?;
        match answer.status().as_u16() {
            200 => {}
            304 => return Ok(Fetched::Same),
            status => return Err(ExchangeError::Refuses(self.named(&format!("{path}: {status}")))),
        }
        let tag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        let bytes = answer.body_mut().with_config().limit(cap as u64).read_to_vec();
        let bytes = bytes.map_err(|error| self.broken(path, &error))?;
        if let Some(tag) = tag {
            self.tags.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), tag);
        }
        Ok(Fetched::New(bytes))
    }

    /// Sends a signed request with a body, and reads at most `cap` bytes of the answer.
    ///
    /// # Errors
    /// As [`Peer::get`]; a refusal is an [`Answer`].
    pub fn post(
        &self,
        node: &Node,
        path: &str,
        kind: &str,
        body: &[u8],
        cap: usize,
    ) -> Result<Answer, ExchangeError> {
        let random = |_| ExchangeError::cannot_ask("no randomness");
        let key = IdempotencyKey::new(&base64url(&node.rng.bytes::<16>().map_err(random)?));
        let key = key.map_err(|_| ExchangeError::cannot_ask("idempotency key"))?;
        let content = Content { body, content_type: kind, idempotency_key: &key };
        let headers = self.sign(node, "POST", path, Some(&content))?;
        let mut request = self.agent.post(format!("{}{path}", self.source.address));
        request = request.header("content-type", kind).header("idempotency-key", key.to_string());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut answer = request.send(body).map_err(|error| self.broken("", &error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(cap as u64).read_to_vec();
        Ok(Answer { status, body: body.map_err(|error| self.broken("", &error))? })
    }

    /// Sends a signed request without a body.
    ///
    /// # Errors
    /// As [`Peer::post`].
    pub fn get_signed(&self, node: &Node, path: &str, cap: usize) -> Result<Answer, ExchangeError> {
        let mut request = self.agent.get(format!("{}{path}", self.source.address));
        for (name, value) in self.sign(node, "GET", path, None)? {
            request = request.header(name, value);
        }
        let mut answer = request.call().map_err(|error| self.broken("", &error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(cap as u64).read_to_vec();
        Ok(Answer { status, body: body.map_err(|error| self.broken("", &error))? })
    }

    fn sign(
        &self,
        node: &Node,
        method: &str,
        path: &str,
        content: Option<&Content<'_>>,
    ) -> Result<Vec<(&'static str, String)>, ExchangeError> {
        let signer = node.keys.signer(&node.authority, Usage::NODE);
        let signer = signer
            .ok_or_else(|| ExchangeError::cannot_ask("本节点没有节点密钥 / this node has no node key"))?;
        let nonce = node.rng.bytes().map_err(|_| ExchangeError::cannot_ask("no randomness"))?;
        let target = format!("https://{}{path}", self.source.host);
        let signed = http_signature::sign(method, &target, content, &*signer, node.clock.now(), nonce);
        let signed = signed.map_err(ExchangeError::cannot_ask)?;
        let digest = signed.content_digest.map(|digest| ("content-digest", digest));
        let two = [("signature-input", signed.signature_input), ("signature", signed.signature)];
        Ok(two.into_iter().chain(digest).collect())
    }

    /// A call that did not come to its end.
    fn broken(&self, path: &str, error: &ureq::Error) -> ExchangeError {
        let colon = if path.is_empty() { "" } else { ": " };
        let text = self.named(&format!("{path}{colon}{error}"));
        match error {
            ureq::Error::BodyExceedsLimit(_) => ExchangeError::TooLarge(text),
            _ => ExchangeError::Unreachable(text),
        }
    }

    fn named(&self, cause: &str) -> String {
        format!("{} ({}): {cause}", self.source.host, self.source.address)
    }
}

/// Failures in a row, and until when the peer is not asked, after one more failure. Jobs that share a peer fail together: what fails
/// while a pause lasts was asked before it began, and does not lengthen it.
fn after_failure((failures, until): (u32, i64), now: i64, chance: i64) -> (u32, i64) {
    if now < until {
        return (failures, until);
    }
    let doubled = PAUSES_S.0 << failures.min(16);
    let length = doubled.min(PAUSES_S.1);
    (failures + 1, now + length * 3 / 4 + length * chance / 512)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pull and mirror share a peer: a city that was cut off for a quarter of a minute was asked again half a minute later.
    #[test]
    fn jobs_that_fail_together_lengthen_the_pause_once() {
        assert_eq!(after_failure((3, 100), 99, 255), (3, 100), "asked before the pause began");
        assert_eq!(after_failure((3, 100), 100, 128), (4, 108), "asked again after it, in vain");
    }

    #[test]
    fn the_pause_doubles_to_five_minutes() {
        let mut lengths = Vec::new();
        let mut pause = (0, 0);
        for _ in 0..11 {
            let now = pause.1;
            pause = after_failure(pause, now, 128);
            lengths.push(pause.1 - now);
        }
        assert_eq!(lengths, [0, 1, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }
}
