//! A client of the API over a connection that stays open; what is not answered is sent again, with the same key.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::harness::now;

/// Longest time for one answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest time for a request with all its repeats.
const PATIENCE: Duration = Duration::from_secs(120);
/// Longest answer that is read, bytes.
const MAX_ANSWER: u64 = 16 << 20;

/// One client of one node.
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
    token: String,
}

/// What all clients share.
#[derive(Default)]
pub(crate) struct Counts {
    /// Requests that were sent again.
    pub(crate) repeats: AtomicU64,
    /// Answers that told that the request had been done already.
    pub(crate) replayed: AtomicU64,
    /// Set when the run cannot go on.
    pub(crate) stop: AtomicBool,
}

/// One answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    replayed: bool,
    pub(crate) body: Vec<u8>,
}

/// A request.
pub(crate) struct Request<'a> {
    pub(crate) path: &'a str,
    pub(crate) body: &'a str,
    /// `Idempotency-Key`.
    pub(crate) key: Option<&'a str>,
}

impl Client {
    pub(crate) fn new(base: String, token: &str) -> Client {
        Client::patient(base, token, ANSWER)
    }

    /// A client that waits so long for an answer.
    pub(crate) fn patient(base: String, token: &str, patience: Duration) -> Client {
        let config = ureq::config::Config::builder()
            .http_status_as_error(false)
            .timeout_global(Some(patience))
            .build();
        Client { agent: ureq::Agent::new_with_config(config), base, token: format!("Bearer {token}") }
    }

    /// One call, once.
    ///
    /// # Errors
    /// Why there was no whole answer.
    pub(crate) fn get(&self, path: &str) -> Result<Answer, String> {
        let request = self.agent.get(format!("{}{path}", self.base)).header("authorization", &self.token);
        read(request.call().map_err(|error| error.to_string())?)
    }

    fn post(&self, request: &Request<'_>) -> Result<Answer, String> {
        let mut call = self.agent.post(format!("{}{}", self.base, request.path));
        call = call.header("authorization", &self.token).header("content-type", "application/json");
        if let Some(key) = request.key {
            call = call.header("idempotency-key", format!("\"{key}\""));
        }
        read(call.send(request.body).map_err(|error| error.to_string())?)
    }

    /// Sends a request until it is answered with this status.
    ///
    /// # Errors
    /// An answer that no repeat will change; the last fault, when patience ends.
    pub(crate) fn insist(
        &self,
        counts: &Counts,
        expected: u16,
        request: &Request<'_>,
    ) -> Result<Value, String> {
        insist(counts, expected, request.path, || self.post(request))
    }

    /// As [`Client::insist`], to read.
    pub(crate) fn insist_get(&self, counts: &Counts, path: &str) -> Result<Vec<u8>, String> {
        answered(counts, 200, path, || self.get(path)).map(|answer| answer.body)
    }
}

fn insist(
    counts: &Counts,
    expected: u16,
    path: &str,
    call: impl FnMut() -> Result<Answer, String>,
) -> Result<Value, String> {
    let answer = answered(counts, expected, path, call)?;
    if answer.replayed {
        counts.replayed.fetch_add(1, Ordering::SeqCst);
    }
    serde_json::from_slice(&answer.body).map_err(|error| format!("{path}: {error}"))
}

fn answered(
    counts: &Counts,
    expected: u16,
    path: &str,
    mut call: impl FnMut() -> Result<Answer, String>,
) -> Result<Answer, String> {
    let begun = now();
    let (_never, pause) = std::sync::mpsc::channel::<()>();
    loop {
        let fault = match call() {
            Ok(answer) if answer.status == expected => return Ok(answer),
            Ok(answer) if !may_pass(&answer) => return Err(answer.told(path)),
            Ok(answer) => answer.told(path),
            Err(fault) => fault,
        };
        if begun.elapsed() > PATIENCE || counts.stop.load(Ordering::SeqCst) {
            return Err(format!("{path}: {fault}"));
        }
        counts.repeats.fetch_add(1, Ordering::SeqCst);
        // Nobody ever sends: a pause until the next attempt.
        let _pause = pause.recv_timeout(Duration::from_millis(20));
    }
}

/// Whether the same request may be answered otherwise a moment later.
fn may_pass(answer: &Answer) -> bool {
    let runs = || String::from_utf8_lossy(&answer.body).contains("idempotency-key-in-use");
    matches!(answer.status, 408 | 429 | 500..) || (answer.status == 409 && runs())
}

impl Answer {
    /// For messages: only errors, which hold nobody's data.
    fn told(&self, path: &str) -> String {
        format!("{path}: {} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer, String> {
    let replayed = answer.headers().contains_key("idempotency-replayed");
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
    Ok(Answer { status, replayed, body: body.map_err(|error| error.to_string())? })
}
