//! What other nodes hand out and may not say: counted by who handed it out, for metrics and `doctor`.
//!
//! In scope: since the start of this process. Senders are the configured neighbours, so there are few.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What one sender handed out.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    /// How many objects were refused.
    pub count: u64,
    /// The last of them, and why.
    pub last: String,
}

/// All that was refused.
#[derive(Clone, Default)]
pub struct Refusals(Arc<Mutex<BTreeMap<String, Refused>>>);

impl Refusals {
    /// Notes an object from this host that was refused, and alarms.
    pub fn note(&self, from: &str, what: &str, fault: &dyn std::fmt::Display) {
        tracing::error!(
            alarm = true, from, what, %fault,
            "收到无权发布者的签名文件，已拒收 / what this node hands out was signed by somebody who may not say it: refused"
        );
        // A poisoned lock holds whole counts.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.entry(from.to_owned()).or_default();
        held.count += 1;
        held.last = format!("{what}: {fault}");
    }

    /// What each sender handed out.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Refused> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
