//! What was acknowledged: kept apart from the nodes, and compared with them at the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use licence_spec::suite::Digest;
use serde_json::Value;

use crate::harness::now;

/// A status change that was acknowledged.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) status: u8,
    pub(crate) log_index: u64,
    pub(crate) at: Instant,
}

/// A licence that was acknowledged.
#[derive(Clone)]
pub(crate) struct Licence {
    pub(crate) id: String,
    pub(crate) digest: Digest,
    pub(crate) log_index: u64,
    pub(crate) credential: String,
    pub(crate) change: Option<Change>,
}

/// The acknowledged licences of one city, in the order of acknowledgement.
pub(crate) struct Ledger {
    licences: Mutex<Vec<Licence>>,
    issued: AtomicU64,
    changed: AtomicU64,
    /// Every so many licences one is changed; the others stay good.
    step: usize,
}

impl Ledger {
    pub(crate) fn new(step: u64) -> Ledger {
        let step = usize::try_from(step).unwrap();
        Ledger { licences: Mutex::default(), issued: AtomicU64::new(0), changed: AtomicU64::new(0), step }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<Licence>> {
        self.licences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters an answer to a request to issue.
    ///
    /// # Errors
    /// If the answer has another shape.
    pub(crate) fn issued(&self, answer: &Value) -> Result<(), String> {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("no text in the answer");
        let digest = text(&answer["digest"])?;
        let digest = digest.strip_prefix("sha-256:").and_then(|digits| hex::decode(digits).ok());
        let licence = Licence {
            id: text(&answer["id"])?,
            digest: digest.and_then(|bytes| bytes.try_into().ok()).ok_or("no digest in the answer")?,
            log_index: answer["log"]["index"].as_u64().ok_or("no log index in the answer")?,
            credential: text(&answer["credential"])?,
            change: None,
        };
        self.all().push(licence);
        self.issued.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Enters an answer to a status change of the licence at `at`.
    ///
    /// # Errors
    /// If the answer has another shape.
    pub(crate) fn changed(&self, at: usize, answer: &Value) -> Result<(), String> {
        let status = answer["status"].as_u64().and_then(|status| u8::try_from(status).ok());
        let change = Change {
            status: status.ok_or("no status in the answer")?,
            log_index: answer["log_index"].as_u64().ok_or("no log index in the answer")?,
            at: now(),
        };
        self.all()[at].change = Some(change);
        self.changed.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// How many licences were acknowledged.
    pub(crate) fn count(&self) -> u64 {
        self.issued.load(Ordering::SeqCst)
    }

    /// How many status changes were acknowledged.
    pub(crate) fn changes(&self) -> u64 {
        self.changed.load(Ordering::SeqCst)
    }

    /// The place of the `n`-th licence that is to be changed, and its id, once it was acknowledged.
    pub(crate) fn to_change(&self, n: usize) -> Option<(usize, String)> {
        let at = n * self.step;
        self.all().get(at).map(|licence| (at, licence.id.clone()))
    }

    /// A licence that nobody changes, among all so far, chosen by a number.
    pub(crate) fn good(&self, chance: usize) -> Option<Licence> {
        let all = self.all();
        let at = chance % all.len().max(1);
        let at = if at.is_multiple_of(self.step) { at + 1 } else { at };
        all.get(at).cloned()
    }

    /// The licence that was changed last.
    pub(crate) fn last_changed(&self) -> Option<Licence> {
        let all = self.all();
        all.iter().rev().find(|licence| licence.change.is_some()).cloned()
    }

    /// A copy of all.
    pub(crate) fn copy(&self) -> Vec<Licence> {
        self.all().clone()
    }
}
